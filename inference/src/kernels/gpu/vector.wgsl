// y = W x + b of one token: 16 lanes a row, 2 rows a lane, 8 rows a workgroup.
// The first of these rows in the output, and the elements of a token in it.
override FIRST: u32 = 0u;
override BIAS: bool = false;
// y += W x instead.
override ADD: bool = false;

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

var<workgroup> sums: array<f32, 128>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let lane = thread % 16u;
    let row = group.x * 8u + thread / 16u;
    var sum = vec2<f32>(0.0);
    for (var panel = 0u; panel < PANELS; panel++) {
        let a = x[panel * 32u + lane];
        let b = x[panel * 32u + 16u + lane];
        let first = weights(row * PANELS + panel, lane);
        let second = weights((row + 4u) * PANELS + panel, lane);
        sum += vec2<f32>(
            dot(first.a, a) + dot(first.b, b),
            dot(second.a, a) + dot(second.b, b),
        );
    }
    sums[thread] = sum.x;
    sums[64u + thread] = sum.y;
    workgroupBarrier();
    // Row r of the workgroup is in sums[16 r..].
    if thread < 8u {
        let row = group.x * 8u + thread;
        if row < ROWS {
            var total = 0.0;
            for (var i = 0u; i < 16u; i++) {
                total += sums[thread * 16u + i];
            }
            if BIAS {
                total += bias[FIRST + row];
            }
            if ADD {
                total += y[FIRST + row];
            }
            y[FIRST + row] = total;
        }
    }
}
