//! The realm over real HTTP: one test binary, a module a concern.

mod config;
mod egress;
mod harness;
mod json;
mod media;
mod models;
mod openapi;
mod origin;
mod provider;
mod recovery;
mod runs;
mod shell;
mod surface;
