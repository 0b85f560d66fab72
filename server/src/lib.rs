//! The realm: serves the shell, holds the catalogue, and makes the calls that a browser may not.
//!
//! [`server::start`] puts the rooms together; [`router`] is the table of contents of what it answers. `routes` are
//! thin; what they lead to is in `runs`, `federated`, `catalogue` and `storage`.

pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod error;
pub mod etag;
pub mod federated;
pub mod gateway;
pub mod http;
pub mod identity;
pub mod invoke;
pub mod ledger;
pub mod mcp;
pub mod openai;
pub mod providers;
pub mod random;
pub mod router;
pub mod routes;
pub mod runs;
pub mod search;
pub mod server;
pub mod shell;
pub mod sources;
pub mod state;
pub mod storage;
pub mod telemetry;
