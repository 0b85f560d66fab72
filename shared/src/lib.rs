//! The pure core of MTOR: protocol types and policy that the shell, the engine and the realm share.
//!
//! Nothing here does I/O, reads a clock or draws random numbers; whoever needs one passes it in. That is
//! what lets the same routing, planning and stream folding run in the tab, in the server and in a test.

pub mod capability;
pub mod catalogue;
pub mod credential;
pub mod engine;
pub mod gateway;
pub mod generation;
pub mod identity;
pub mod intent;
pub mod joining;
pub mod ledger;
pub mod model;
pub mod plan;
pub mod problem;
pub mod receipt;
pub mod route;
pub mod run;
pub mod seen;
pub mod slots;
pub mod source;
pub mod stream;
pub mod telling;
pub mod voice;
pub mod wire;
pub mod words;

#[cfg(test)]
mod testing;
