//! `POST /api/catalogue/operations/{source}/{operation}/dry-run`

use axum::{
    Json,
    extract::{Path, State},
};
use mtor_shared::{
    problem::{Problem, ProblemCode},
    source::{DryRun, ShownRequest},
};
use serde_json::Value;

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    identity::Caller,
    state::AppState,
};

/// The request that a call would send, with its credentials hidden. Nothing is sent, so it works for what is not
/// enabled too.
#[utoipa::path(post, path = "/api/catalogue/operations/{source}/{operation}/dry-run", tag = "operations",
    operation_id = "dry_run", params(
        ("source" = String, Path, description = "The first half of its id."),
        ("operation" = String, Path, description = "The second half of its id.")),
    request_body = DryRun, responses(
    (status = 200, description = "The request.", body = ShownRequest),
    (status = 400, description = "The arguments make no request.", body = ProblemDocument),
    (status = 404, description = "No such operation.", body = ProblemDocument),
))]
pub async fn dry_run(
    State(state): State<AppState>,
    caller: Caller,
    Path((source, operation)): Path<(String, String)>,
    StrictJson(DryRun { args }): StrictJson<DryRun>,
) -> Result<Json<ShownRequest>, ApiError> {
    let (id, shelf) = super::find(&state, &source, &operation)?;
    caller.allow_capability(&id.0)?;
    let Some(operation) = shelf.version.operation(&id) else {
        return Err(ApiError::bad_request(
            "This is made of several calls, whose requests depend on each other's results.",
            "Show the request of one of its steps.",
        ));
    };
    let args = match args {
        Value::Object(args) => args,
        Value::Null => serde_json::Map::new(),
        _ => return Err(ApiError::bad_request("The arguments are no object.", "Give them by name.")),
    };
    let request = mtor_federation::request(operation, &args).map_err(|error| {
        let name = error.argument();
        error.problem(if name.is_empty() {
            "The arguments"
        } else {
            operation.capability.argument_title(&name)
        })
    })?;
    let shown = state.credentials.shown_request(&shelf.id, operation, &request);
    let body = request.body.map(|body| {
        let bytes = body.len();
        String::from_utf8(body).unwrap_or_else(|_| format!("{bytes} bytes that are no text"))
    });
    if body.as_ref().is_some_and(|body| body.len() > 1 << 20) {
        let problem =
            Problem::new(ProblemCode::TooLarge, "The request is too large to be shown.", "It can be sent.");
        return Err(problem.into());
    }
    Ok(Json(ShownRequest {
        method: request.method,
        url: shown.url,
        headers: shown.headers,
        body,
        missing: shown.missing,
    }))
}
