//! What is done to every request before and after its handler.

pub mod headers;
pub mod json;
pub mod observe;
pub mod origin;
pub mod params;
