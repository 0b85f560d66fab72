//! Pictures that results name.

pub mod show;
