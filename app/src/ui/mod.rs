//! Stateless pieces with a few variants each. They know nothing of the shell.

mod button;
mod countdown;
mod eye;
mod glyph;
mod icon;

pub(crate) use button::{Button, Kind};
pub(crate) use countdown::{Countdown, Elapsed};
pub(crate) use eye::Lens;
pub(crate) use glyph::Glyph;
pub(crate) use icon::{Icon, Picture};
