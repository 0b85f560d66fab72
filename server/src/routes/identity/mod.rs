//! Who the caller is, signing in and out, claiming the realm, and the people of the realm.

pub mod challenge;
pub mod change_person;
pub mod claim;
pub mod invite;
pub mod people;
pub mod rotate;
pub mod sessions;
pub mod show;
pub mod sign_in;
pub mod sign_out;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::identity::Signed;

/// The realm's name as the request has it; it was checked before the request got here.
fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

/// The session's token in the body for programs, in the cookie for browsers; kept by nobody on the way.
fn signed(Signed { answer, cookie }: Signed) -> Response {
    let kept = HeaderValue::from_static("no-store");
    ([(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, kept)], Json(answer)).into_response()
}
