//! `mtor ledger`: checks and exports the entries in a data folder, also while the realm is at work with it.

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Subcommand, ValueEnum};
use mtor_shared::ledger::{EntryView, Hash, Head};
use serde_json::json;

use super::{Mistake, print_line};
use crate::{
    ledger::{
        csv, json_lines,
        verify::{VerifyError, verify},
    },
    storage::{Sqlite, Storage, ledger::LedgerStorage},
};

#[derive(Subcommand)]
pub(super) enum Task {
    /// Walk the chain of entries, add all movements up, and name the first entry that is not what was written
    Verify {
        /// Folder of the database
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
        /// A head that was kept, as GET /api/ledger/head gave it: NUMBER:HASH
        #[arg(long, value_name = "HEAD", value_parser = head)]
        head: Option<Head>,
    },
    /// Write every entry to standard output
    Export {
        /// Folder of the database
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
        /// The form
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// Comma-separated values, a line a movement
    Csv,
    /// A JSON object a line, an entry each
    Json,
}

fn head(text: &str) -> Result<Head, String> {
    let (seq, hash) = text.split_once(':').ok_or("it is written NUMBER:HASH")?;
    let seq = seq.parse().map_err(|_| "the number of an entry comes first")?;
    Ok(Head { seq, hash: Hash::try_from(hash.to_owned())? })
}

/// Code 1: the ledger is broken.
pub(super) fn run(task: Task) -> Result<ExitCode, Mistake> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match task {
            Task::Verify { data, head } => {
                let storage = Sqlite::open_to_read(&data).await?;
                let outcome = verify(&storage, head).await;
                storage.close().await;
                match outcome {
                    Ok(found) => {
                        print_line(&json!({"ok": true, "found": found}))?;
                        Ok(ExitCode::SUCCESS)
                    }
                    Err(VerifyError::Storage(error)) => Err(error.into()),
                    Err(broken) => {
                        let seq = broken.entry();
                        print_line(&json!({"ok": false, "entry": seq, "broken": broken.to_string()}))?;
                        Ok(ExitCode::from(1))
                    }
                }
            }
            Task::Export { data, format } => {
                let storage = Sqlite::open_to_read(&data).await?;
                let mut after = 0;
                let mut begins = true;
                loop {
                    let page = storage.ledger(after, 1_000).await?;
                    let Some(last) = page.last() else { break };
                    after = last.seq;
                    let read = |stored: &crate::storage::ledger::StoredEntry| {
                        let entry = serde_json::from_str(&stored.text);
                        entry.map(|entry| EntryView { entry, hash: stored.hash })
                    };
                    let entries: Vec<EntryView> = page.iter().map(read).collect::<Result<_, _>>()?;
                    let text = match format {
                        Format::Csv => csv(&entries),
                        Format::Json => json_lines(&entries),
                    };
                    // One header for all pages.
                    let text = match (format, begins) {
                        (Format::Csv, false) => text.split_once("\r\n").map_or("", |(_, rest)| rest),
                        _ => &text,
                    };
                    std::io::stdout().write_all(text.as_bytes())?;
                    begins = false;
                }
                storage.close().await;
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}
