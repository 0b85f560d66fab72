// 6 bits: 16 words of low bits, then 8 of the others: bits 2b and 2b + 1 of byte j belong to weight 32 b + j.
const WORDS = 24u;

fn quants(panel: u32, lane: u32) -> Eight {
    let low = matrix[panel * WORDS + lane];
    let high = matrix[panel * WORDS + 16u + lane % 8u] >> (2u * (lane / 8u));
    let a = (low & 0x0f0f0f0fu) | ((high & 0x03030303u) << 4u);
    let b = ((low >> 4u) & 0x0f0f0f0fu) | (((high >> 4u) & 0x03030303u) << 4u);
    return Eight(bytes(a) - OFFSET, bytes(b) - OFFSET);
}
