//! How descriptions are taken in: how large, how long, how many.

use std::time::Duration;

use super::{Reader, limits::size};

/// See the module.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Largest description, its documents beside it together, counted after decompression.
    pub bytes: usize,
    /// Other documents that a description may refer to.
    pub documents: usize,
    /// For fetching one document.
    pub fetch_timeout: Duration,
    /// Descriptions at most.
    pub count: usize,
    /// Capabilities in the listing that every shell gets; more are found by search.
    pub listed: usize,
    /// How often is looked whether a source is to be looked at again.
    pub tick: Duration,
}

impl Sources {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let ms = Duration::from_millis;
        Self {
            bytes: size(reader.number("sources.bytes", 32 << 20, 1024..=64 << 20)),
            documents: size(reader.number("sources.documents", 100, 0..=256)),
            fetch_timeout: ms(reader.number("sources.fetch_timeout_ms", 60_000, 1..=600_000)),
            count: size(reader.number("sources.count", 1_000, 1..=100_000)),
            listed: size(reader.number("sources.listed", 1_000, 1..=100_000)),
            tick: ms(reader.number("sources.tick_ms", 30_000, 1..=3_600_000)),
        }
    }
}
