// 5 bits: 16 words of low bits, then 4 of the fifth: bit b of byte j belongs to weight 16 b + j.
const WORDS = 20u;

fn quants(panel: u32, lane: u32) -> Eight {
    let low = matrix[panel * WORDS + lane];
    let high = matrix[panel * WORDS + 16u + lane % 4u] >> (lane / 4u);
    let a = (low & 0x0f0f0f0fu) | ((high & 0x01010101u) << 4u);
    let b = ((low >> 4u) & 0x0f0f0f0fu) | (((high >> 4u) & 0x01010101u) << 4u);
    return Eight(bytes(a) - OFFSET, bytes(b) - OFFSET);
}
