//! Credentials that the realm was given. Secrets go in and never come out.

pub mod add;
pub mod callback;
pub mod list;
pub mod remove;

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::AppendHeaders,
};
use mtor_shared::credential::{Credential, Standing};

use crate::{credentials::browser::Browser, state::AppState};

/// Knows a browser again that may begin an authorization; no other gets a cookie.
fn cookie(
    state: &AppState,
    browser: &Browser,
    credentials: &[Credential],
) -> AppendHeaders<Option<(HeaderName, HeaderValue)>> {
    let begins = credentials.iter().any(|known| matches!(known.standing, Standing::Waiting { .. }));
    let value = begins.then(|| browser.set_cookie(state.config.realm.https).ok()).flatten();
    AppendHeaders(value.map(|value| (header::SET_COOKIE, value)))
}
