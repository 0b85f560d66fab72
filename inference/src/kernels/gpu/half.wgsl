// 16-bit floats in order.
const WORDS = 64u;

fn four(first: u32) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(matrix[first]), unpack2x16float(matrix[first + 1u]));
}

fn weights(panel: u32, lane: u32) -> Eight {
    let first = panel * WORDS + 2u * lane;
    return Eight(four(first), four(first + 32u));
}
