//! What others find without being told (FEDERATION.md, discovery).

pub mod api_catalog;
