//! The table of contents: everything that the realm answers.

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    middleware,
    response::IntoResponse,
    routing::get,
};
use bytes::Bytes;
use mtor_shared::problem::{Problem, ProblemCode};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{OpenApi, openapi::OpenApi as Document};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    error::ApiError,
    http::{headers, observe, origin},
    identity::{guard, policy},
    routes::{
        agents, ask, catalogue, credentials, discovery, gateway, health, identity as who, keys, ledger,
        media, metrics, models, openapi, operations, runs, sources, v1,
    },
    shell,
    state::AppState,
};

#[derive(OpenApi)]
#[openapi(info(
    title = "MTOR realm",
    description = "One realm of MTOR: what it offers, and carrying it out."
))]
struct Described;

fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(health::live::live))
        .routes(routes!(health::ready::ready))
        .routes(routes!(metrics::show::show))
        .routes(routes!(catalogue::list::list))
        .routes(routes!(catalogue::vectors::vectors))
        .routes(routes!(sources::list::list, sources::add::add))
        .routes(routes!(sources::show::show, sources::change::change, sources::remove::remove))
        .routes(routes!(sources::scan::scan))
        .routes(routes!(sources::events::events))
        .routes(routes!(sources::operations::operations))
        .routes(routes!(sources::skipped::skipped))
        .routes(routes!(sources::document::document))
        .routes(routes!(operations::search::find))
        .routes(routes!(operations::show::show))
        .routes(routes!(operations::dry_run::dry_run))
        .routes(routes!(credentials::list::list, credentials::add::add))
        .routes(routes!(credentials::remove::remove))
        .routes(routes!(credentials::callback::callback))
        .routes(routes!(discovery::api_catalog::show))
        .routes(routes!(runs::start::start))
        .routes(routes!(runs::follow::follow))
        .routes(routes!(runs::stop::stop))
        .routes(routes!(media::show::show))
        .routes(routes!(models::show::show))
        .routes(routes!(v1::chat::complete))
        .routes(routes!(v1::embeddings::create))
        .routes(routes!(v1::images::generate))
        .routes(routes!(v1::transcriptions::transcribe))
        .routes(routes!(v1::transcriptions::translate))
        .routes(routes!(v1::speech::create))
        .routes(routes!(v1::models::list))
        .routes(routes!(v1::models::show))
        .routes(routes!(gateway::decisions::list))
        .routes(routes!(gateway::decisions::show))
        .routes(routes!(gateway::targets::list))
        .routes(routes!(ask::answer::answer))
        .routes(routes!(agents::card::show))
        .routes(routes!(agents::message::send))
        .routes(routes!(agents::mcp::call))
        .routes(routes!(who::show::show))
        .routes(routes!(who::challenge::challenge))
        .routes(routes!(who::claim::claim))
        .routes(routes!(who::sessions::sessions, who::sign_in::sign_in))
        .routes(routes!(who::rotate::rotate))
        .routes(routes!(who::sign_out::sign_out))
        .routes(routes!(who::people::people, who::invite::invite))
        .routes(routes!(who::change_person::change_person))
        .routes(routes!(keys::list::list, keys::mint::mint))
        .routes(routes!(keys::revoke::revoke))
        .routes(routes!(keys::rotate::rotate))
        .routes(routes!(keys::limit::limit))
        .routes(routes!(ledger::balance::balance))
        .routes(routes!(ledger::entries::entries))
        .routes(routes!(ledger::export::export))
        .routes(routes!(ledger::months::months))
        .routes(routes!(ledger::head::head))
        .routes(routes!(ledger::accounts::accounts))
        .routes(routes!(ledger::issue::issue))
        .routes(routes!(ledger::send::send))
        .routes(routes!(ledger::limits::limits, ledger::set_limits::set_limits))
        .routes(routes!(ledger::prices::prices, ledger::set_price::set_price))
}

/// The realm's own description.
pub fn openapi_document() -> Document {
    let mut document = described().into_openapi();
    policy::describe(&mut document);
    document
}

/// Everything, with what is done to every request around it; the last layer is the outermost.
///
/// # Errors
/// [`serde_json::Error`] when the description cannot be written.
pub fn router(state: AppState) -> Result<Router, serde_json::Error> {
    let (router, mut document) = described().split_for_parts();
    policy::describe(&mut document);
    let document = Bytes::from(serde_json::to_vec(&document)?);
    Ok(router
        .route(
            "/openapi.json",
            get(|headers: HeaderMap| async move { openapi::show::show(&headers, document) }),
        )
        .route("/v1/{*unknown}", axum::routing::any(v1::unknown))
        .route("/api/{*unknown}", axum::routing::any(unknown))
        .route("/models/{*unknown}", axum::routing::any(unknown))
        .fallback(shell::serve)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(state.clone(), guard::check))
        .layer(middleware::from_fn_with_state(state.clone(), origin::check))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(state.clone(), headers::secure))
        .layer(middleware::from_fn_with_state(state.clone(), observe::observe))
        .with_state(state))
}

async fn unknown() -> ApiError {
    ApiError::not_found("The realm has nothing at this address.", "GET /openapi.json lists what it has.")
}

async fn method_not_allowed() -> impl IntoResponse {
    let title = "This address does not take this method.";
    let problem = Problem::new(ProblemCode::BadRequest, title, "GET /openapi.json lists what it takes.");
    ApiError::with_status(StatusCode::METHOD_NOT_ALLOWED, problem)
}
