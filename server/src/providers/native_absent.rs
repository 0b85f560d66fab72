//! In place of the thread of a language model, in a realm that was built without the engine.

use std::path::Path;

use tokio::sync::mpsc;

use super::native::Job;

/// There is none.
pub(super) fn start(_: &Path, _: &'static str) -> Option<mpsc::Sender<Job>> {
    None
}
