// Y = X Wt + b of many tokens: a workgroup has 64 rows of W and 32 tokens, 32 columns at a time in its own memory; a
// thread has 8 rows and 4 tokens of the result.
override FIRST: u32 = 0u;
override BIAS: bool = false;
override ADD: bool = false;
// Elements of a token in x and y.
override X_STRIDE: u32;
override Y_STRIDE: u32;

@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

// [32 columns][64 rows / 4] and [32 columns][32 tokens / 4].
var<workgroup> w_tile: array<vec4<f32>, 512>;
var<workgroup> x_tile: array<vec4<f32>, 256>;

// Element k of a step's 32: half of them come from either half of the panel.
fn column(panel: u32, step: u32, k: u32) -> u32 {
    return panel * 128u + (k / 16u) * 64u + step * 16u + k % 16u;
}

fn input(token: u32, column: u32) -> f32 {
    if token < pass_.tokens && column < COLUMNS {
        return x[token * X_STRIDE + column];
    }
    return 0.0;
}

fn output(token: u32, row: u32, value: f32) {
    if token >= pass_.tokens || row >= ROWS {
        return;
    }
    var total = value;
    if BIAS {
        total += bias[FIRST + row];
    }
    let at = token * Y_STRIDE + FIRST + row;
    if ADD {
        total += y[at];
    }
    y[at] = total;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let first_row = group.x * 64u;
    let first_token = group.y * 32u;
    // What this thread loads: four rows of one lane; four tokens of eight columns.
    let quad = thread % 16u;
    let lane = thread / 16u;
    // What it computes.
    let rows = thread % 8u;
    let tokens = thread / 8u;
    var low: array<vec4<f32>, 4>;
    var high: array<vec4<f32>, 4>;
    for (var panel = 0u; panel < PANELS; panel++) {
        for (var step = 0u; step < 4u; step++) {
            let row = first_row + 4u * quad;
            let w0 = weights(min(row, ROWS - 1u) * PANELS + panel, step * 4u + lane);
            let w1 = weights(min(row + 1u, ROWS - 1u) * PANELS + panel, step * 4u + lane);
            let w2 = weights(min(row + 2u, ROWS - 1u) * PANELS + panel, step * 4u + lane);
            let w3 = weights(min(row + 3u, ROWS - 1u) * PANELS + panel, step * 4u + lane);
            let a = transpose(mat4x4<f32>(w0.a, w1.a, w2.a, w3.a));
            let b = transpose(mat4x4<f32>(w0.b, w1.b, w2.b, w3.b));
            let at = lane * 64u + quad;
            w_tile[at] = a[0];
            w_tile[at + 16u] = a[1];
            w_tile[at + 32u] = a[2];
            w_tile[at + 48u] = a[3];
            w_tile[at + 256u] = b[0];
            w_tile[at + 272u] = b[1];
            w_tile[at + 288u] = b[2];
            w_tile[at + 304u] = b[3];
            for (var i = 0u; i < 4u; i++) {
                let k = rows + 8u * i;
                let token = first_token + 4u * tokens;
                let column = column(panel, step, k);
                x_tile[k * 8u + tokens] = vec4<f32>(
                    input(token, column),
                    input(token + 1u, column),
                    input(token + 2u, column),
                    input(token + 3u, column),
                );
            }
            workgroupBarrier();
            for (var k = 0u; k < 32u; k++) {
                let w_low = w_tile[k * 16u + 2u * rows];
                let w_high = w_tile[k * 16u + 2u * rows + 1u];
                let inputs = x_tile[k * 8u + tokens];
                low[0] += w_low * inputs.x;
                low[1] += w_low * inputs.y;
                low[2] += w_low * inputs.z;
                low[3] += w_low * inputs.w;
                high[0] += w_high * inputs.x;
                high[1] += w_high * inputs.y;
                high[2] += w_high * inputs.z;
                high[3] += w_high * inputs.w;
            }
            workgroupBarrier();
        }
    }
    for (var t = 0u; t < 4u; t++) {
        let token = first_token + 4u * tokens + t;
        for (var r = 0u; r < 4u; r++) {
            output(token, first_row + 8u * rows + r, low[t][r]);
            output(token, first_row + 8u * rows + 4u + r, high[t][r]);
        }
    }
}
