//! The realm over real HTTP: one test binary, a module a concern.

#![allow(clippy::expect_used, clippy::panic, reason = "a test's helpers fail the test")]
#![allow(clippy::disallowed_methods, reason = "the tests are a browser and a shell to the realm")]

mod attacks;
mod config;
mod credentials;
mod egress;
mod harness;
mod identity;
mod json;
mod keys;
mod ledger;
mod media;
mod models;
mod openapi;
mod origin;
mod people;
mod pilots;
mod policy;
mod process;
mod provider;
mod recovery;
mod runs;
mod shell;
mod sources;
mod surface;
#[path = "../support/upstream.rs"]
mod upstream;
