//! How long finished runs are kept, so that a shell can come back for them.

use std::time::Duration;

use super::Reader;

/// See the module.
#[derive(Clone, Debug)]
pub struct Runs {
    /// Older ones are forgotten.
    pub keep: Duration,
    /// Of more than this many the oldest are forgotten.
    pub keep_count: u32,
}

impl Runs {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            keep: Duration::from_secs(reader.number("runs.keep_hours", 24 * 7, 1..=24 * 3650) * 3600),
            keep_count: u32::try_from(reader.number("runs.keep_count", 2_000, 1..=1_000_000))
                .unwrap_or(2_000),
        }
    }
}
