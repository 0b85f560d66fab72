//! Thin handlers: a folder a noun, a file a verb.

pub mod agents;
pub mod ask;
pub mod catalogue;
pub mod credentials;
pub mod discovery;
pub mod gateway;
pub mod health;
pub mod identity;
pub mod keys;
pub mod ledger;
pub mod media;
pub mod metrics;
pub mod models;
pub mod openapi;
pub mod operations;
pub mod runs;
pub mod sources;
pub mod v1;
