// The best 64 of each 1024 candidates, best first; of equals the one with the lower id, as the CPU chooses.
// Candidates are pairs (logit as ordered integer, id), so that a larger pair of integers is a better one.
override COUNT: u32;
// The candidates are logits, their ids are their places.
override RAW: bool = false;

@group(0) @binding(0) var<storage, read> candidates: array<u32>;
@group(0) @binding(1) var<storage, read_write> best: array<vec2<u32>>;

var<workgroup> sorted: array<vec2<u32>, 1024>;

// Integers in the order of floats; what is no number is the worst.
fn ordered(bits: u32) -> u32 {
    if (bits & 0x7fffffffu) > 0x7f800000u {
        return 0u;
    }
    return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

fn candidate(index: u32) -> vec2<u32> {
    if index >= COUNT {
        return vec2<u32>(0u, 0xffffffffu);
    }
    if RAW {
        return vec2<u32>(ordered(candidates[index]), index);
    }
    return vec2<u32>(candidates[2u * index], candidates[2u * index + 1u]);
}

fn is_better(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x > b.x || (a.x == b.x && a.y < b.y);
}

// Bitonic sort (Batcher 1968).
@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    for (var i = thread; i < 1024u; i += 256u) {
        sorted[i] = candidate(group.x * 1024u + i);
    }
    for (var size = 2u; size <= 1024u; size *= 2u) {
        for (var stride = size / 2u; stride > 0u; stride /= 2u) {
            workgroupBarrier();
            for (var i = thread; i < 512u; i += 256u) {
                let a = 2u * stride * (i / stride) + i % stride;
                let b = a + stride;
                let descending = (a & size) == 0u;
                if is_better(sorted[b], sorted[a]) == descending {
                    let kept = sorted[a];
                    sorted[a] = sorted[b];
                    sorted[b] = kept;
                }
            }
        }
    }
    workgroupBarrier();
    if thread < 64u {
        best[group.x * 64u + thread] = sorted[thread];
    }
}
