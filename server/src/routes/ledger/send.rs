//! `POST /api/ledger/transfers`

use axum::{Json, extract::State, http::StatusCode};
use mtor_shared::{
    identity::{Role, Scope},
    ledger::{Account, Body, EntryView, Transfer},
    problem::{Problem, ProblemCode},
};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    identity::Caller,
    state::AppState,
};

/// Moves credits: the caller's own to anybody; operators also pay providers out and make entries good. Sent again
/// under the same name it is done once.
#[utoipa::path(post, path = "/api/ledger/transfers", tag = "ledger", operation_id = "send_credits",
    request_body = Transfer, responses(
    (status = 201, description = "The entry, stored for good.", body = EntryView),
    (status = 402, description = "The account has less than that.", body = ProblemDocument),
    (status = 403, description = "The account is not the caller's.", body = ProblemDocument),
    (status = 409, description = "The name was used for something else.", body = ProblemDocument),
))]
pub async fn send(
    State(state): State<AppState>,
    caller: Caller,
    StrictJson(given): StrictJson<Transfer>,
) -> Result<(StatusCode, Json<EntryView>), ApiError> {
    let Transfer { from, to, amount, reason, compensates, idempotency } = given;
    let own = Account::Person(caller.person().clone());
    let from = from.unwrap_or_else(|| own.clone());
    // What other people have is theirs: an operator moves the realm's own and what providers earned.
    let operator = caller.may(Role::Operator, Scope::Admin);
    let theirs = matches!(from, Account::Realm | Account::Provider(_)) && operator;
    if from != own && !theirs {
        let title = "You can send only your own credits.";
        return Err(ApiError::new(Problem::new(ProblemCode::Forbidden, title, "Leave `from` out.")));
    }
    let body = Body::Transfer { from, to, amount, reason, compensates };
    let entry = state.ledger.send(caller.person(), &idempotency, body).await?;
    Ok((StatusCode::CREATED, Json(entry)))
}
