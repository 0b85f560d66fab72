//! Credentials that the realm was given. Secrets go in and never come out.

pub mod add;
pub mod callback;
pub mod list;
pub mod remove;
