//! `GET /api/ledger/export`

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use mtor_shared::{
    identity::{Role, Scope},
    problem::{Problem, ProblemCode},
};
use serde::Deserialize;

use crate::{
    error::{ApiError, ProblemDocument},
    http::params::Params,
    identity::Caller,
    ledger::{csv, json_lines},
    state::AppState,
};

/// The form.
#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Comma-separated values, a line a movement.
    Csv,
    /// A JSON object a line, an entry each.
    #[default]
    Json,
}

/// What to export.
#[derive(Deserialize, utoipa::IntoParams)]
pub struct Wanted {
    /// `json` where it is not given.
    #[serde(default)]
    format: Format,
    /// Everybody's entries; for operators.
    #[serde(default)]
    all: bool,
}

/// Every entry that moved the caller's credits, oldest first, each with its hash.
#[utoipa::path(get, path = "/api/ledger/export", tag = "ledger", operation_id = "export_entries", params(Wanted),
    responses(
    (status = 200, description = "CSV or JSON lines; amounts are in millionths of a credit.", body = String,
        content_type = "text/csv"),
    (status = 403, description = "Everybody's entries are for operators.", body = ProblemDocument),
))]
pub async fn export(
    State(state): State<AppState>,
    caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Result<Response, ApiError> {
    if wanted.all && !caller.may(Role::Operator, Scope::Admin) {
        let title = "Everybody's entries are for operators.";
        return Err(ApiError::new(Problem::new(
            ProblemCode::Forbidden,
            title,
            "Leave `all` out for your own.",
        )));
    }
    let entries = state.ledger.export((!wanted.all).then(|| caller.person())).await?;
    let (kind, name, text) = match wanted.format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"ledger.csv\"", csv(&entries)),
        Format::Json => {
            ("application/x-ndjson", "attachment; filename=\"ledger.jsonl\"", json_lines(&entries))
        }
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, text).into_response())
}
