//! `GET /healthz`

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "It does.", body = String)))]
pub async fn live() -> &'static str {
    "ok\n"
}
