// gate(first half) * second half of each token's 2 WIDTH elements, into the first half.
override WIDTH: u32;
// The tanh form of GELU instead of SiLU.
override GELU: bool = false;

struct Pass {
    first: u32,
    tokens: u32,
}

@group(0) @binding(0) var<uniform> pass_: Pass;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    if at.x >= WIDTH || at.y >= pass_.tokens {
        return;
    }
    let first = at.y * 2u * WIDTH + at.x;
    let v = x[first];
    var gated = v / (1.0 + exp(-v));
    if GELU {
        // tanh saturates long before its argument overflows exp, which some drivers' tanh does not know.
        let inner = clamp(0.7978845608 * (v + 0.044715 * v * v * v), -10.0, 10.0);
        gated = 0.5 * v * (1.0 + tanh(inner));
    }
    x[first] = gated * x[first + WIDTH];
}
