// 4 bits: 16 words a panel; byte j holds weights j and 64 + j.
const WORDS = 16u;

fn quants(panel: u32, lane: u32) -> Eight {
    let word = matrix[panel * WORDS + lane];
    return Eight(bytes(word & 0x0f0f0f0fu) - OFFSET, bytes((word >> 4u) & 0x0f0f0f0fu) - OFFSET);
}
