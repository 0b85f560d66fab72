//! `GET /v1/models` and `GET /v1/models/{id}`

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;

use super::{OpenAiError, OpenAiErrorBody};
use crate::{
    gateway::{GatewayError, ModelCard},
    state::AppState,
};

/// Every model that can be asked for.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ModelList {
    /// Always `list`.
    object: &'static str,
    /// By name.
    data: Vec<ModelEntry>,
}

/// One of them.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ModelEntry {
    /// What it is asked for by.
    id: String,
    /// Always `model`.
    object: &'static str,
    /// Seconds since 1970: when this realm began to offer it, which it does not know.
    created: u64,
    /// Who answers: `provider/model`, in order.
    owned_by: String,
}

impl From<ModelCard> for ModelEntry {
    fn from(card: ModelCard) -> Self {
        Self { id: card.id, object: "model", created: 0, owned_by: card.targets.join(", ") }
    }
}

/// Lists every model that can be asked for.
#[utoipa::path(get, path = "/v1/models", tag = "gateway", operation_id = "list_models", responses(
    (status = 200, description = "The models.", body = ModelList),
))]
pub async fn list(State(state): State<AppState>) -> Json<ModelList> {
    let data = state.gateway.models().into_iter().map(ModelEntry::from).collect();
    Json(ModelList { object: "list", data })
}

/// Shows one model. Names may hold slashes.
#[utoipa::path(get, path = "/v1/models/{*id}", tag = "gateway", operation_id = "show_model",
    params(("id" = String, Path, description = "Its name.")), responses(
    (status = 200, description = "The model.", body = ModelEntry),
    (status = 404, description = "No such model.", body = OpenAiErrorBody),
))]
pub async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<ModelEntry>, OpenAiError> {
    let found = state.gateway.models().into_iter().find(|card| card.id == id);
    found.map(|card| Json(card.into())).ok_or_else(|| OpenAiError::from(&GatewayError::NoModel(Some(id))))
}
