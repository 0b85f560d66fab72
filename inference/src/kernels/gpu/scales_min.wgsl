// A scale and a minimum for 32 weights, side by side.
fn weights(panel: u32, lane: u32) -> Eight {
    let q = quants(panel, lane);
    let first = panel * 8u + 2u * (lane / 8u);
    return Eight(
        q.a * scales[first] - scales[first + 1u],
        q.b * scales[first + 4u] - scales[first + 5u],
    );
}
