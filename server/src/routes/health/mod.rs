//! Whether the realm is alive, and whether it can work.

pub mod live;
pub mod ready;
