//! Random bytes: passed in, so that tests decide.

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// What the system says when it has none; nothing secret may be made then.
    fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()>;
}

/// The machine's own, fit for keys.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()> {
        getrandom::fill(buffer).map_err(|error| std::io::Error::other(error.to_string()))
    }
}
