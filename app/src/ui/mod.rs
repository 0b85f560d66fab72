//! Stateless pieces with a few variants each. They know nothing of the shell.

mod button;
mod countdown;
mod dot;
mod erased;
mod eye;
mod glyph;
mod icon;
mod trouble;

pub(crate) use button::{Button, Kind};
pub(crate) use countdown::{Countdown, Elapsed};
pub(crate) use dot::Dot;
pub(crate) use erased::{dynamic, flag, memo, when, word, wording};
pub(crate) use eye::Lens;
pub(crate) use glyph::Glyph;
pub(crate) use icon::{Icon, Picture};
pub(crate) use trouble::Trouble;
