//! `POST /api/ledger/issues`

use axum::{Json, extract::State, http::StatusCode};
use mtor_shared::ledger::{EntryView, GiveCredits};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    identity::Caller,
    state::AppState,
};

/// New credits for somebody, never more in all than the realm's cap. Sent again under the same name it is done once.
#[utoipa::path(post, path = "/api/ledger/issues", tag = "ledger", operation_id = "issue_credits",
    request_body = GiveCredits, responses(
    (status = 201, description = "The entry, stored for good.", body = EntryView),
    (status = 403, description = "There would be more than the cap.", body = ProblemDocument),
    (status = 409, description = "The name was used for something else.", body = ProblemDocument),
))]
pub async fn issue(
    State(state): State<AppState>,
    caller: Caller,
    StrictJson(given): StrictJson<GiveCredits>,
) -> Result<(StatusCode, Json<EntryView>), ApiError> {
    let GiveCredits { to, amount, reason, idempotency } = given;
    let entry = state.ledger.issue(caller.person(), &idempotency, to, amount, reason).await?;
    Ok((StatusCode::CREATED, Json(entry)))
}
