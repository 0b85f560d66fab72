//! The only room that names `web_sys`, `js_sys` or `gloo`: what the browser can do, in the shell's own words.

pub(crate) mod clock;
pub(crate) mod crypto;
pub(crate) mod files;
pub(crate) mod net;
pub(crate) mod page;
pub(crate) mod store;
pub(crate) mod worker;
