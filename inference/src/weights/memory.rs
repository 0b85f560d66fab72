//! A source in memory, for tests and for files that are small.

use mtor_shared::problem::Problem;

use super::{Source, unreadable};

/// Bytes that are there already.
pub struct Memory(pub Vec<u8>);

impl Source for Memory {
    fn bytes(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Problem> {
        let part = usize::try_from(offset).ok().and_then(|start| {
            let end = start.checked_add(into.len())?;
            self.0.get(start..end)
        });
        into.copy_from_slice(part.ok_or_else(|| unreadable("it is too short"))?);
        Ok(())
    }
}
