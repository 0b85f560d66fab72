// 8 bits: signed bytes in order.
const WORDS = 32u;

fn signed(word: u32) -> vec4<f32> {
    let shifted = vec4<u32>(word << 24u, word << 16u, word << 8u, word);
    return vec4<f32>(bitcast<vec4<i32>>(shifted) >> vec4<u32>(24u));
}

fn quants(panel: u32, lane: u32) -> Eight {
    let first = panel * WORDS + lane;
    return Eight(signed(matrix[first]), signed(matrix[first + 16u]));
}
