//! Descriptions that the realm was given.

pub mod add;
pub mod change;
pub mod document;
pub mod events;
pub mod list;
pub mod operations;
pub mod remove;
pub mod scan;
pub mod show;
pub mod skipped;
