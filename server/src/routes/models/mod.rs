//! Model weights by their hash.

pub mod show;
