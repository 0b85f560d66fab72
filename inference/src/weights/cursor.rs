//! Small numbers read one after the other from a source, which is asked for a page at a time.

use mtor_shared::problem::Problem;

use super::{Source, unreadable};

/// Bytes asked for at a time: some headers of variables.
const PAGE: usize = 4096;

pub(super) struct Cursor<'a, S> {
    source: &'a S,
    position: u64,
    page: Vec<u8>,
    page_start: u64,
}

impl<'a, S: Source> Cursor<'a, S> {
    pub(super) fn new(source: &'a S) -> Self {
        Self { source, position: 0, page: Vec::new(), page_start: 0 }
    }

    /// Where the next byte is read.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Goes over bytes.
    pub(super) fn skip(&mut self, bytes: u64) -> Result<(), Problem> {
        let end = self.position.checked_add(bytes).filter(|end| *end <= self.source.bytes());
        self.position = end.ok_or_else(|| unreadable("it is too short"))?;
        Ok(())
    }

    /// Reads up to a page of bytes, or up to 64 KiB where that is longer.
    pub(super) async fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Problem> {
        let end = self.position + count as u64;
        if count > 1 << 16 || end > self.source.bytes() {
            return Err(unreadable("it is too short"));
        }
        if self.position < self.page_start || end > self.page_start + self.page.len() as u64 {
            let size = (count.max(PAGE) as u64).min(self.source.bytes() - self.position);
            self.page.resize(size as usize, 0);
            self.source.read(self.position, &mut self.page).await?;
            self.page_start = self.position;
        }
        let at = (self.position - self.page_start) as usize;
        self.position = end;
        Ok(self.page[at..at + count].to_vec())
    }

    async fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let bytes = self.bytes(N).await?;
        bytes.try_into().map_err(|_| unreadable("it is too short"))
    }

    pub(super) async fn u8(&mut self) -> Result<u8, Problem> {
        Ok(self.array::<1>().await?[0])
    }

    pub(super) async fn u16(&mut self) -> Result<u16, Problem> {
        Ok(u16::from_le_bytes(self.array().await?))
    }

    pub(super) async fn u32(&mut self) -> Result<u32, Problem> {
        Ok(u32::from_le_bytes(self.array().await?))
    }
}
