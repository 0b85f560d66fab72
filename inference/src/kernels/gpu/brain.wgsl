// bfloat16 in order: the upper halves of 32-bit floats.
const WORDS = 64u;

fn two(word: u32) -> vec2<f32> {
    return bitcast<vec2<f32>>(vec2<u32>(word << 16u, word & 0xffff0000u));
}

fn weights(panel: u32, lane: u32) -> Eight {
    let first = panel * WORDS + 2u * lane;
    let a = vec4<f32>(two(matrix[first]), two(matrix[first + 1u]));
    return Eight(a, vec4<f32>(two(matrix[first + 32u]), two(matrix[first + 33u])));
}
