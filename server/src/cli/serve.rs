//! `mtor serve`

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::Mistake;
use crate::{
    config::{Config, Flags},
    server::{self, Outside},
    telemetry,
};

/// Flags come before the environment (`MTOR_…`), that before the file, that before the defaults.
#[derive(Args)]
pub(super) struct Arguments {
    /// Address and port to listen on [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Folder of the database [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Configuration file, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serve the shell from this folder instead of from inside the binary
    #[arg(long, value_name = "DIR")]
    dist: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Mistake> {
    let Arguments { listen, data, config, dist } = arguments;
    let config = Config::load(&Flags { listen, data, config, dist }, super::environment())?;
    telemetry::init_log(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        // Before anything is announced: whoever reads the line may stop us at once.
        let end = end_signal()?;
        let outside = Outside::real(&config);
        let server = server::start(config, outside).await?;
        writeln!(std::io::stdout(), "MTOR listens on http://{}", server.address())?;
        if let Some(token) = server.claim_token() {
            // Whoever only waits for the address may have closed the pipe by now. The token is for the console alone,
            // so it is in no log.
            let _ = writeln!(
                std::io::stdout(),
                "Nobody has claimed this realm yet. Whoever has this token can, once: {}",
                *token
            );
        }
        end.await;
        tracing::info!("shutting down");
        server.shutdown().await;
        Ok(())
    });
    // A computation that cannot be interrupted must not hold the process.
    runtime.shutdown_background();
    served
}

/// Ctrl-C, or what a service manager sends.
#[cfg(unix)]
fn end_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ctrl-C.
#[cfg(not(unix))]
fn end_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without the handler the system's own ends the process.
        let _ = tokio::signal::ctrl_c().await;
    })
}
