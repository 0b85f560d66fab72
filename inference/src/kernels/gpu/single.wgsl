// 32-bit floats in order.
const WORDS = 128u;

fn four(first: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(matrix[first], matrix[first + 1u], matrix[first + 2u], matrix[first + 3u]));
}

fn weights(panel: u32, lane: u32) -> Eight {
    let first = panel * WORDS + 4u * lane;
    return Eight(four(first), four(first + 64u));
}
