// One scale for 16 weights.
fn weights(panel: u32, lane: u32) -> Eight {
    let q = quants(panel, lane);
    let first = panel * 8u + lane / 4u;
    return Eight(q.a * scales[first], q.b * scales[first + 4u]);
}
