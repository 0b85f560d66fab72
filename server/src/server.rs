//! Puts the realm together and serves it.

use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use mtor_shared::problem::Problem;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    catalogue::vectors::Vectors,
    clock::{Clock, SystemClock},
    config::{Config, Kind},
    credentials::Vault,
    federated::egress::{Egress, EgressSetupError, Lookup, SystemLookup},
    gateway::{Extra, Gateway, credits::Credits},
    http::origin::AllowedHosts,
    identity::Identity,
    invoke::Invoker,
    ledger::{Ledger, OpenError},
    providers::{capabilities::Capabilities, native::Native},
    random::{Random, SystemRandom},
    router::router,
    runs::Runs,
    search::{
        engine::{Engine, LoadEmbedder},
        indexer,
    },
    shell::Shell,
    sources::{LoadError, Sources},
    state::{AppState, Parts},
    storage::{Sqlite, Storage, StorageError},
    telemetry,
};

/// Largest block of request headers.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Most header fields in a request.
const MAX_HEADERS: usize = 100;
/// How often old runs are looked for.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3600);

/// What the outside gives: the real things, or a test's.
pub struct Outside {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
    /// Names to addresses.
    pub lookup: Arc<dyn Lookup>,
    /// How the catalogue is embedded, or why it is not.
    pub embedder: Result<LoadEmbedder, Problem>,
}

impl Outside {
    /// The real things.
    pub fn real(config: &Config) -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            lookup: Arc::new(SystemLookup),
            embedder: crate::catalogue::vectors::native_embedder(&config.realm.models),
        }
    }
}

/// Why the realm does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("{}", listen_failed(.address, .error))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The data folder cannot be used.
    #[error("{}", storage_failed(.folder, .error))]
    Storage {
        /// The folder.
        folder: String,
        /// What is wrong.
        error: StorageError,
    },
    /// The descriptions do not make a catalogue.
    #[error("The catalogue cannot be made: {0}.")]
    Catalogue(LoadError),
    /// The ledger is not what was written.
    #[error(
        "The ledger in the data folder {folder} is not what was written: {error}. `mtor ledger verify --data {folder}` \
         says more. Put a copy of the folder back that is whole."
    )]
    Ledger {
        /// The folder.
        folder: String,
        /// What is wrong.
        error: OpenError,
    },
    /// No calls could be made.
    #[error("{0}")]
    Egress(#[from] EgressSetupError),
    /// No models could be asked.
    #[error("The gateway cannot be set up: {0}.")]
    Gateway(String),
    /// The realm's own description cannot be written.
    #[error("The realm's own description cannot be written: {0}.")]
    Description(#[from] serde_json::Error),
    /// Numbers cannot be collected.
    #[error("Metrics cannot be collected: {0}.")]
    Metrics(String),
}

fn listen_failed(address: &SocketAddr, error: &std::io::Error) -> String {
    let port = address.port();
    let other = SocketAddr::new(address.ip(), port.checked_add(1).unwrap_or(9000));
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "Port {port} is in use by another program. Stop that program, or choose another port: \
             mtor serve --listen {other}"
        ),
        ErrorKind::PermissionDenied => format!(
            "Port {port} needs rights that this user does not have. Choose one from 1024 on: mtor serve --listen {}",
            SocketAddr::new(address.ip(), 9000)
        ),
        ErrorKind::AddrNotAvailable => {
            format!("This machine does not have the address {}. Choose another with --listen.", address.ip())
        }
        _ => format!("The realm cannot listen on {address}: {error}."),
    }
}

fn storage_failed(folder: &str, error: &StorageError) -> String {
    match error {
        StorageError::Full => format!("There is no room left on the disk of the data folder {folder}."),
        StorageError::NotWritable(why) => format!(
            "The data folder is not writable ({why}). Make it writable, or choose another: mtor serve --data DIR"
        ),
        StorageError::Locked(_) => format!(
            "The data folder {folder} is in use by another mtor. Stop that one, or choose another: \
             mtor serve --data DIR"
        ),
        StorageError::Damaged(why) | StorageError::Other(why) => format!(
            "The database in the data folder {folder} cannot be used ({why}). Move the folder away, or choose \
             another: mtor serve --data DIR"
        ),
    }
}

/// A realm at work.
pub struct Server {
    address: SocketAddr,
    identity: Identity,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What claims the realm once, as long as nobody has; for the console and for nothing else.
    pub fn claim_token(&self) -> Option<zeroize::Zeroizing<String>> {
        self.identity.claim_token()
    }

    /// Ends streams, lets open requests finish, leaves runs for the next start, and returns when that is done.
    pub async fn shutdown(self) {
        self.shutdown.cancel();
        // A panic in the accept loop has been logged by the hook.
        let _ = self.task.await;
    }
}

/// Starts a realm.
///
/// # Errors
/// [`StartError`], in words for the person who started it.
pub async fn start(config: Config, outside: Outside) -> Result<Server, StartError> {
    let config = Arc::new(config);
    let address = config.realm.listen;
    // Before the database: a port in use is the most common mistake, and must not touch a thing.
    let listener = TcpListener::bind(address).await.map_err(|error| StartError::Listen { address, error })?;
    let address = listener.local_addr().map_err(|error| StartError::Listen { address, error })?;
    let metrics = telemetry::metrics().map_err(StartError::Metrics)?;
    let folder = config.realm.data.display().to_string();
    let failed = |error| StartError::Storage { folder: folder.clone(), error };
    let storage: Arc<dyn Storage> = Arc::new(Sqlite::open(&config.realm.data).await.map_err(failed)?);
    let egress = Arc::new(Egress::new(&config.federation, outside.lookup)?);
    let shutdown = CancellationToken::new();
    let identity = Identity::load(
        &config,
        address.port(),
        Arc::clone(&storage),
        Arc::clone(&outside.clock),
        Arc::clone(&outside.random),
    )
    .await
    .map_err(failed)?;
    let ledger = open_ledger(&config, &storage, &outside.clock, &outside.random, &identity).await?;
    let vault = Vault::load(
        Arc::clone(&config),
        Arc::clone(&storage),
        Arc::clone(&egress),
        Arc::clone(&outside.clock),
        Arc::clone(&outside.random),
    )
    .await
    .map_err(failed)?;
    let (sources, catalogue) = Sources::load(
        Arc::clone(&config),
        Arc::clone(&storage),
        Arc::clone(&egress),
        Arc::clone(&outside.clock),
        vault.clone(),
        shutdown.clone(),
    )
    .await
    .map_err(|error| match error {
        LoadError::Storage(error) => failed(error),
        other => StartError::Catalogue(other),
    })?;
    let engine = Engine::start(outside.embedder);
    let runs = Runs::new(
        Arc::clone(&config),
        Arc::clone(&catalogue),
        Arc::clone(&storage),
        Arc::clone(&egress),
        vault.clone(),
        ledger.clone(),
        Arc::clone(&outside.clock),
        shutdown.clone(),
    );
    runs.recover().await.map_err(failed)?;
    tokio::spawn(indexer::run(
        Arc::clone(&catalogue),
        Arc::clone(&storage),
        engine.clone(),
        shutdown.clone(),
    ));
    let invoker = Arc::new(Invoker::new(
        Arc::clone(&catalogue),
        runs.clone(),
        Arc::clone(&outside.clock),
        Arc::clone(&outside.random),
    ));
    let (native, own_models) = Native::new(&config.realm.models, engine.clone());
    let own = vec![
        Extra {
            name: "native",
            kind: Kind::Native,
            provider: Arc::new(native),
            models: own_models,
            any: false,
        },
        Extra {
            name: "capabilities",
            kind: Kind::Capabilities,
            provider: Arc::new(Capabilities::new(Arc::clone(&invoker))),
            models: Vec::new(),
            any: true,
        },
    ];
    let gateway = Gateway::new(
        config.gateway.clone(),
        own,
        Arc::new(Credits::new(ledger.clone())),
        Arc::clone(&outside.clock),
        outside.random,
    )
    .map_err(StartError::Gateway)?;
    let state = AppState::new(Parts {
        invoker,
        gateway,
        vectors: Vectors::start(
            Arc::clone(&catalogue),
            Arc::clone(&storage),
            engine.clone(),
            shutdown.clone(),
        ),
        shell: config.realm.dist.clone().map_or(Shell::Embedded, Shell::Folder),
        hosts: AllowedHosts::new(address, &config.realm.allowed_hosts),
        started_at_ms: outside.clock.now_ms(),
        shutdown: shutdown.clone(),
        config,
        catalogue,
        sources,
        credentials: vault,
        identity: identity.clone(),
        ledger,
        engine,
        storage,
        egress,
        runs,
        metrics,
    });
    let router = router(state.clone())?;
    let task = tokio::spawn(serve(listener, router, state));
    Ok(Server { address, identity, shutdown, task })
}

async fn open_ledger(
    config: &Config,
    storage: &Arc<dyn Storage>,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
    identity: &Identity,
) -> Result<Ledger, StartError> {
    let folder = config.realm.data.display().to_string();
    let opened = Ledger::open(
        config.ledger.clone(),
        Arc::clone(storage),
        Arc::clone(clock),
        Arc::clone(random),
        |key| identity.ancestors(key),
    );
    let begun = async {
        let ledger = opened.await?;
        ledger.begin().await?;
        Ok(ledger)
    };
    begun.await.map_err(|error: OpenError| match error {
        OpenError::Storage(error) => StartError::Storage { folder, error },
        error => StartError::Ledger { folder, error },
    })
}

/// Accepts connections until the shutdown, then winds up.
async fn serve(listener: TcpListener, router: Router, state: AppState) {
    let places = Arc::new(Semaphore::new(state.config.limits.connections));
    let open = GracefulShutdown::new();
    let mut prune = tokio::time::interval(PRUNE_INTERVAL);
    prune.reset();
    loop {
        let stream = tokio::select! {
            biased;
            () = state.shutdown.cancelled() => break,
            _ = prune.tick() => {
                if let Err(error) = state.runs.prune().await {
                    tracing::error!(%error, "old runs cannot be forgotten");
                }
                continue;
            }
            // Beyond the limit new connections wait in the system's queue.
            stream = accept(&listener, &places) => stream,
        };
        let Some((stream, place)) = stream else { continue };
        let service = TowerToHyperService::new(
            router.clone().map_request(|request: Request<Incoming>| request.map(Body::new)),
        );
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(state.config.limits.header_timeout)
            .max_buf_size(MAX_HEADER_BYTES)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        let connection = open.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    let grace = state.config.limits.shutdown_grace;
    let wound_up = async { tokio::join!(open.shutdown(), state.runs.settled(), state.sources.settled()) };
    if tokio::time::timeout(grace, wound_up).await.is_err() {
        tracing::warn!("some work was still open at the end; runs go on after the next start");
    }
    state.ledger.close().await;
    state.storage.close().await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Small events must not wait for each other; without it they are only slower.
            let _ = stream.set_nodelay(true);
            Some((stream, place))
        }
        Err(error) => {
            // Out of file descriptors, mostly: others are freed in a moment.
            tracing::warn!(%error, "a connection cannot be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}
