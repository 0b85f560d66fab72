// A matrix in panels of 128 columns, as `kernels::quant::Matrix` packs them. A lane of 0..16 has the columns
// 4 lane.. and 64 + 4 lane.. of a panel. What follows this file says how a panel is read.
override COLUMNS: u32;
// Rows of this part of the matrix.
override ROWS: u32;
override PANELS: u32 = (COLUMNS + 127u) / 128u;
// What makes stored quants non-negative.
override OFFSET: f32 = 0.0;

struct Eight {
    a: vec4<f32>,
    b: vec4<f32>,
}

// What differs from pass to pass.
struct Pass {
    // The position of the first token.
    first: u32,
    // How many there are.
    tokens: u32,
}

@group(0) @binding(0) var<uniform> pass_: Pass;
@group(0) @binding(1) var<storage, read> matrix: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<f32>;

fn bytes(word: u32) -> vec4<f32> {
    return vec4<f32>(vec4<u32>(word & 255u, (word >> 8u) & 255u, (word >> 16u) & 255u, word >> 24u));
}
