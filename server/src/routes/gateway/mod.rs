//! What the gateway decided, and how its upstreams do.

pub mod decisions;
pub mod targets;
