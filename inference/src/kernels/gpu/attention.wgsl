// Attention of one query head of one token over everything before it, 64 positions at a time with a running maximum
// (Milakov and Gimelshein 2018, "Online normalizer calculation for softmax").
override QUERIES: u32;
override KEYS: u32;
// Elements of a head, at most 256.
override WIDTH: u32;
override SCALE: f32;
// How many tokens, itself included, a token sees; 0 for all.
override WINDOW: u32 = 0u;

struct Pass {
    first: u32,
    tokens: u32,
}

@group(0) @binding(0) var<uniform> pass_: Pass;
// [tokens, (QUERIES + 2 KEYS) WIDTH]
@group(0) @binding(1) var<storage, read> heads: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<u32>;
@group(0) @binding(3) var<storage, read> values: array<u32>;
// [tokens, QUERIES WIDTH]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> query: array<vec2<f32>, 128>;
var<workgroup> scores: array<f32, 64>;
var<workgroup> reduced: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let index = group.x;
    let token = group.y;
    let pairs = WIDTH / 2u;
    let row = KEYS * pairs;
    let part = index / (QUERIES / KEYS) * pairs;
    let from_ = (token * (QUERIES + 2u * KEYS) + index) * WIDTH;
    for (var pair = thread; pair < pairs; pair += 64u) {
        query[pair] = SCALE * vec2<f32>(heads[from_ + 2u * pair], heads[from_ + 2u * pair + 1u]);
    }
    workgroupBarrier();
    let end = pass_.first + token + 1u;
    var start = 0u;
    if WINDOW > 0u && end > WINDOW {
        start = end - WINDOW;
    }
    var highest = -3.0e38;
    var total = 0.0;
    // The result's pairs `thread` and `thread + 64`.
    var low = vec2<f32>(0.0);
    var high = vec2<f32>(0.0);
    for (var tile = start; tile < end; tile += 64u) {
        let position = tile + thread;
        var score = -3.0e38;
        if position < end {
            score = 0.0;
            let key = position * row + part;
            for (var pair = 0u; pair < pairs; pair++) {
                score += dot(query[pair], unpack2x16float(keys[key + pair]));
            }
        }
        reduced[thread] = score;
        for (var half = 32u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if thread < half {
                reduced[thread] = max(reduced[thread], reduced[thread + half]);
            }
        }
        workgroupBarrier();
        let before = highest;
        highest = max(highest, reduced[0]);
        let weight = select(0.0, exp(score - highest), position < end);
        scores[thread] = weight;
        workgroupBarrier();
        reduced[thread] = weight;
        for (var half = 32u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if thread < half {
                reduced[thread] += reduced[thread + half];
            }
        }
        workgroupBarrier();
        let shrink = exp(before - highest);
        total = total * shrink + reduced[0];
        low *= shrink;
        high *= shrink;
        let count = min(64u, end - tile);
        for (var i = 0u; i < count; i++) {
            let value = (tile + i) * row + part + thread;
            if thread < pairs {
                low += scores[i] * unpack2x16float(values[value]);
            }
            if thread + 64u < pairs {
                high += scores[i] * unpack2x16float(values[value + 64u]);
            }
        }
        workgroupBarrier();
    }
    let to = (token * QUERIES + index) * WIDTH;
    if thread < pairs {
        y[to + 2u * thread] = low.x / total;
        y[to + 2u * thread + 1u] = low.y / total;
    }
    if thread + 64u < pairs {
        y[to + 2u * thread + 128u] = high.x / total;
        y[to + 2u * thread + 129u] = high.y / total;
    }
}
