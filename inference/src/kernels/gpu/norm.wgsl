// Root-mean-square normalisation, one token a workgroup.
override WIDTH: u32;
override EPSILON: f32;
// y += norm(x) instead of y = norm(x).
override ADD: bool = false;
// Only the last token, which becomes the first of y.
override LAST: bool = false;

struct Pass {
    first: u32,
    tokens: u32,
}

@group(0) @binding(0) var<uniform> pass_: Pass;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    var from_ = group.y * WIDTH;
    if LAST {
        from_ = (pass_.tokens - 1u) * WIDTH;
    }
    let to = group.y * WIDTH;
    var sum = 0.0;
    for (var i = thread; i < WIDTH; i += 256u) {
        sum += x[from_ + i] * x[from_ + i];
    }
    sums[thread] = sum;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half {
            sums[thread] += sums[thread + half];
        }
    }
    workgroupBarrier();
    let factor = 1.0 / sqrt(sums[0] / f32(WIDTH) + EPSILON);
    for (var i = thread; i < WIDTH; i += 256u) {
        let value = x[from_ + i] * factor * scale[i];
        if ADD {
            y[to + i] += value;
        } else {
            y[to + i] = value;
        }
    }
}
