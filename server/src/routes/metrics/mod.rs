//! Numbers for operators.

pub mod show;
