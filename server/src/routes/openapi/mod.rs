//! The realm's own description.

pub mod show;
