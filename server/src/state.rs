//! What handlers share.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    catalogue::{Catalogue, vectors::Vectors},
    config::Config,
    credentials::Vault,
    federated::egress::Egress,
    gateway::Gateway,
    http::origin::AllowedHosts,
    identity::Identity,
    invoke::Invoker,
    ledger::Ledger,
    runs::Runs,
    search::engine::Engine,
    shell::Shell,
    sources::Sources,
    storage::Storage,
};

/// Cheap to clone: every request gets one.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// See [`AppState`].
pub struct Parts {
    /// Everything that was set.
    pub config: Arc<Config>,
    /// What can be asked for.
    pub catalogue: Arc<Catalogue>,
    /// Descriptions that the realm was given.
    pub sources: Sources,
    /// Credentials that the realm was given.
    pub credentials: Vault,
    /// Who may do what.
    pub identity: Identity,
    /// What work costs, and who can pay.
    pub ledger: Ledger,
    /// Turns text into vectors.
    pub engine: Engine,
    /// Embeddings of the catalogue's sentences.
    pub vectors: Vectors,
    /// What the realm remembers.
    pub storage: Arc<dyn Storage>,
    /// The way out.
    pub egress: Arc<Egress>,
    /// Runs at work.
    pub runs: Runs,
    /// Calls of capabilities whose result is waited for.
    pub invoker: Arc<Invoker>,
    /// Every model behind one address.
    pub gateway: Gateway,
    /// The built app.
    pub shell: Shell,
    /// Names that the realm answers to.
    pub hosts: AllowedHosts,
    /// Numbers for Prometheus.
    pub metrics: PrometheusHandle,
    /// Cancelled when the realm shuts down.
    pub shutdown: CancellationToken,
    /// In milliseconds since 1970.
    pub started_at_ms: u64,
}

impl AppState {
    /// Shares the parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
