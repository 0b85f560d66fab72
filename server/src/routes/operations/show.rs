//! `GET /api/catalogue/operations/{source}/{operation}`

use axum::{
    Json,
    extract::{Path, State},
};
use mtor_shared::source::OperationDetail;

use crate::{
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// All of an operation: its schemas, where it goes, which credentials it takes, and arguments to begin with. The two
/// parts of the address are those of its id.
#[utoipa::path(get, path = "/api/catalogue/operations/{source}/{operation}", tag = "operations",
    operation_id = "show_operation", params(
        ("source" = String, Path, description = "The first half of its id."),
        ("operation" = String, Path, description = "The second half of its id.")), responses(
    (status = 200, description = "The operation.", body = OperationDetail),
    (status = 404, description = "No such operation.", body = ProblemDocument),
))]
pub async fn show(
    State(state): State<AppState>,
    Path((source, operation)): Path<(String, String)>,
) -> Result<Json<OperationDetail>, ApiError> {
    let (id, shelf) = super::find(&state, &source, &operation)?;
    shelf.detail(&id).map(Json).ok_or_else(|| ApiError::not_found("This realm has no such operation.", ""))
}
