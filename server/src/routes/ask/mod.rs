//! A question in, an answer out: for curl and small programs.

pub mod answer;
pub(super) mod find;
