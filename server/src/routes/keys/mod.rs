//! API keys of the caller. A secret is told once.

pub mod limit;
pub mod list;
pub mod mint;
pub mod revoke;
pub mod rotate;
