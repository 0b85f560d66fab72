// Queries, keys and values of new tokens, one head a workgroup: queries and keys are normalised where the family does
// that, and turned by their position; keys and values go into the cache as 16-bit floats.
override QUERIES: u32;
override KEYS: u32;
// Elements of a head, at most 256.
override WIDTH: u32;
override EPSILON: f32;
override NORM_QUERIES: bool = false;
override NORM_KEYS: bool = false;
// Elements 2i and 2i + 1 make a pair instead of i and i + WIDTH / 2.
override NEIGHBOURS: bool = false;
// Where this layer's turns begin, in tokens.
override TURNS: u32 = 0u;

struct Pass {
    first: u32,
    tokens: u32,
}

@group(0) @binding(0) var<uniform> pass_: Pass;
// [tokens, (QUERIES + 2 KEYS) WIDTH]
@group(0) @binding(1) var<storage, read_write> heads: array<f32>;
// Scales of query heads, then of key heads.
@group(0) @binding(2) var<storage, read> norms: array<f32>;
// Cosine and sine, [tokens, WIDTH / 2].
@group(0) @binding(3) var<storage, read> turns: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> keys: array<u32>;
@group(0) @binding(5) var<storage, read_write> values: array<u32>;

var<workgroup> head: array<f32, 256>;
var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let index = group.x;
    let token = group.y;
    let is_query = index < QUERIES;
    let is_value = index >= QUERIES + KEYS;
    let from_ = (token * (QUERIES + 2u * KEYS) + index) * WIDTH;
    var sum = 0.0;
    for (var i = thread; i < WIDTH; i += 64u) {
        let value = heads[from_ + i];
        head[i] = value;
        sum += value * value;
    }
    sums[thread] = sum;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half {
            sums[thread] += sums[thread + half];
        }
    }
    workgroupBarrier();
    if (is_query && NORM_QUERIES) || (!is_query && !is_value && NORM_KEYS) {
        let factor = 1.0 / sqrt(sums[0] / f32(WIDTH) + EPSILON);
        let scale = select(WIDTH, 0u, is_query);
        for (var i = thread; i < WIDTH; i += 64u) {
            head[i] *= factor * norms[scale + i];
        }
    }
    workgroupBarrier();
    if !is_value {
        for (var pair = thread; pair < WIDTH / 2u; pair += 64u) {
            let a = select(pair, 2u * pair, NEIGHBOURS);
            let b = select(pair + WIDTH / 2u, 2u * pair + 1u, NEIGHBOURS);
            let turn = turns[(TURNS + token) * (WIDTH / 2u) + pair];
            let turned = vec2<f32>(head[a] * turn.x - head[b] * turn.y, head[a] * turn.y + head[b] * turn.x);
            head[a] = turned.x;
            head[b] = turned.y;
        }
    }
    workgroupBarrier();
    if is_query {
        for (var i = thread; i < WIDTH; i += 64u) {
            heads[from_ + i] = head[i];
        }
        return;
    }
    let kept = (pass_.first + token) * KEYS * WIDTH / 2u;
    for (var pair = thread; pair < WIDTH / 2u; pair += 64u) {
        let packed = pack2x16float(vec2<f32>(head[2u * pair], head[2u * pair + 1u]));
        if is_value {
            values[kept + (index - QUERIES - KEYS) * WIDTH / 2u + pair] = packed;
        } else {
            keys[kept + (index - QUERIES) * WIDTH / 2u + pair] = packed;
        }
    }
}
