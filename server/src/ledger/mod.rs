//! The realm's credits: holds before work, settlements after it, limits that hold under any concurrency.
//!
//! One lock guards the book and the meters, so every decision is made in memory, in order, within microseconds. The
//! entries that follow from it go to the database in groups, one commit for all that came while the last commit ran.
//! Who moves credits for good (settles, issues, transfers) is answered after that commit, so what was answered is not
//! lost however the process ends. A hold is answered at once: should the process end before it is stored, the credits
//! were never taken; should it end after, the next start gives them back.

mod authority;
mod error;
mod export;
mod names;
mod reservation;
mod statement;
pub mod verify;
mod writer;

pub use authority::{Ledger, OpenError, Reserved, Settled, Work};
pub use error::LedgerError;
pub use export::{csv, json_lines};
pub use reservation::Reservation;
