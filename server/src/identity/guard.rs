//! The one check: finds out who makes a request, looks up whether they may, and refuses or lets it through.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use mtor_shared::problem::{Problem, ProblemCode};

use super::{
    Caller, caller, forbidden,
    policy::{Access, Verdict, verdict},
    presented::{self, Presented},
};
use crate::{error::ApiError, routes::v1::OpenAiError, state::AppState};

/// See the module. Handlers find the caller in the request.
pub async fn check(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    match admitted(&state, &request) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        // Clients of OpenAI's interface read refusals in its form.
        Err(error) if request.uri().path().starts_with("/v1/") => OpenAiError::from(error).into_response(),
        Err(error) => error.into_response(),
    }
}

fn admitted(state: &AppState, request: &Request) -> Result<Option<Caller>, ApiError> {
    // What matches no route is the shell: files that everybody may have.
    let Some(path) = request.extensions().get::<MatchedPath>() else { return Ok(None) };
    let access = match verdict(request.method(), path.as_str()) {
        Verdict::Declared(access) => access,
        Verdict::OtherMethod => {
            let title = "This address does not take this method.";
            let problem =
                Problem::new(ProblemCode::BadRequest, title, "GET /openapi.json lists what it takes.");
            return Err(ApiError::with_status(StatusCode::METHOD_NOT_ALLOWED, problem));
        }
        Verdict::Undeclared => {
            tracing::error!(path = path.as_str(), "nobody has declared who may come here");
            return Err(forbidden("Nobody may come here.", "It is not in the realm's table of who may."));
        }
    };
    let identity = &state.identity;
    let presented = presented::read(request.headers(), &identity.inner.cookie);
    if access == Access::Everybody {
        // Whoever's session has ended must be able to sign in anew.
        return Ok(presented.and_then(|presented| identity.authenticate(&presented)).ok().flatten());
    }
    let presented = presented?;
    let caller = identity.authenticate(&presented)?;
    if matches!(presented, Presented::Cookie(_)) && changes(request.method()) && !from_page(request) {
        return Err(forbidden(
            "A session's cookie counts only for requests of the realm's own page.",
            "Send the session's token: Authorization: Bearer …",
        ));
    }
    if access.admits(caller.as_ref()) {
        return Ok(caller);
    }
    match caller {
        None => Err(caller::unknown_caller(identity.is_claimed())),
        Some(_) => Err(forbidden("You may not do this here.", access.wanted())),
    }
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser says where a request comes from. What it says was checked before the request got here.
fn from_page(request: &Request) -> bool {
    request.headers().contains_key(header::ORIGIN) || request.headers().contains_key("sec-fetch-site")
}
