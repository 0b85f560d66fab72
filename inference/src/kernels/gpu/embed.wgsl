// The tokens' rows of the embedding, as far as they are in this part of it.
override FIRST: u32 = 0u;
override SCALE: f32 = 1.0;

@group(0) @binding(3) var<storage, read> ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

fn put(token: u32, column: u32, values: vec4<f32>) {
    if column >= COLUMNS {
        return;
    }
    let at = token * COLUMNS + column;
    y[at] = SCALE * values.x;
    y[at + 1u] = SCALE * values.y;
    y[at + 2u] = SCALE * values.z;
    y[at + 3u] = SCALE * values.w;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let id = ids[at.y];
    let panel = at.x / 16u;
    let lane = at.x % 16u;
    if id < FIRST || id >= FIRST + ROWS || panel >= PANELS {
        return;
    }
    let row = weights((id - FIRST) * PANELS + panel, lane);
    put(at.y, panel * 128u + 4u * lane, row.a);
    put(at.y, panel * 128u + 64u + 4u * lane, row.b);
}
