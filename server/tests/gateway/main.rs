//! The AI gateway over real HTTP: one test binary, a module a concern. Upstreams are stand-ins on real sockets.

#![allow(clippy::expect_used, clippy::panic, reason = "a test's helpers fail the test")]
#![allow(clippy::disallowed_methods, reason = "the tests are clients of the realm")]
#![allow(missing_docs, dead_code, reason = "a test, with shared helpers")]

mod accounts;
mod agents;
mod attacks;
mod caching;
mod clients;
mod failover;
#[path = "../support/model_server.rs"]
mod model_server;
mod providers;
mod realm;
mod routing;
mod surface;
