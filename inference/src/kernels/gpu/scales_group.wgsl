// One scale for 32 weights.
fn weights(panel: u32, lane: u32) -> Eight {
    let q = quants(panel, lane);
    let first = panel * 4u + lane / 8u;
    return Eight(q.a * scales[first], q.b * scales[first + 2u]);
}
