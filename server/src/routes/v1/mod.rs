//! OpenAI's interface: official clients work with nothing but another address.

pub mod chat;
pub mod embeddings;
pub mod images;
pub mod models;
pub mod speech;
pub mod transcriptions;

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use mtor_shared::{capability::Residency, problem::ProblemCode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    error::ApiError,
    gateway::{Answered, Ask, GatewayError, Unanswered, meter::Asker},
    http::json,
    identity::Caller,
    state::AppState,
};

/// Where the reasons of an answer are: `GET /api/gateway/decisions/{id}`.
pub const DECISION: HeaderName = HeaderName::from_static("x-mtor-decision");
/// Who answered: `provider/model`.
pub const TARGET: HeaderName = HeaderName::from_static("x-mtor-target");
/// A name that requests of one conversation have in common.
const CONVERSATION: &str = "x-mtor-conversation";
/// How far the words may travel: `realm` or `provider`.
const RESIDENCY: &str = "x-mtor-residency";

/// An error in OpenAI's form.
#[derive(Debug)]
pub struct OpenAiError {
    status: StatusCode,
    message: String,
    param: Option<&'static str>,
    code: Option<&'static str>,
    retry_after_s: Option<u64>,
    decision: Option<String>,
}

/// The document of an [`OpenAiError`].
#[derive(Serialize, utoipa::ToSchema)]
pub struct OpenAiErrorBody {
    /// What is wrong.
    pub error: OpenAiErrorDetail,
}

/// See [`OpenAiErrorBody`].
#[derive(Serialize, utoipa::ToSchema)]
pub struct OpenAiErrorDetail {
    /// For a person.
    pub message: String,
    /// The kind.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The field of the request that it is about.
    pub param: Option<&'static str>,
    /// For a program.
    pub code: Option<&'static str>,
}

impl OpenAiError {
    /// Something wrong with a field of the request.
    pub fn field((message, param): (String, &'static str)) -> Self {
        Self { param: Some(param), ..Self::new(StatusCode::BAD_REQUEST, message) }
    }

    fn new(status: StatusCode, message: String) -> Self {
        Self { status, message, param: None, code: None, retry_after_s: None, decision: None }
    }

    /// The document.
    pub fn body(&self) -> OpenAiErrorBody {
        let kind = match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            402 => "insufficient_quota",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "server_error",
        };
        let (message, param, code) = (self.message.clone(), self.param, self.code);
        OpenAiErrorBody { error: OpenAiErrorDetail { message, kind, param, code } }
    }
}

impl From<ApiError> for OpenAiError {
    fn from(error: ApiError) -> Self {
        let (status, problem) = error.into_parts();
        Self::new(status, format!("{} {}", problem.title, problem.advice).trim_end().to_owned())
    }
}

impl From<&GatewayError> for OpenAiError {
    fn from(error: &GatewayError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_GATEWAY);
        let code = match error {
            GatewayError::NoModel(_) => Some("model_not_found"),
            GatewayError::NobodyFits { never: true, .. } => Some("unsupported"),
            GatewayError::NobodyFits { never: false, .. } => Some("nobody_available"),
            GatewayError::Failed { .. } => Some("upstream_failed"),
            GatewayError::Refused(problem) if problem.code == ProblemCode::NotEnoughCredits => {
                Some("insufficient_quota")
            }
            GatewayError::Refused(_) => Some("refused"),
            GatewayError::NoRandomness => None,
        };
        let param = matches!(error, GatewayError::NoModel(_)).then_some("model");
        let retry_after_s = error.retry_after().map(|after| after.as_secs().max(1));
        Self { code, param, retry_after_s, ..Self::new(status, error.message()) }
    }
}

impl From<Unanswered> for OpenAiError {
    fn from(Unanswered { error, decision }: Unanswered) -> Self {
        Self { decision, ..Self::from(&*error) }
    }
}

impl IntoResponse for OpenAiError {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.body()).into_response();
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after));
        }
        if let Some(decision) = self.decision.and_then(|id| HeaderValue::try_from(id).ok()) {
            headers.insert(DECISION, decision);
        }
        response
    }
}

/// A JSON body as large as the gateway takes; what is wrong with it is said in OpenAI's form.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = OpenAiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, OpenAiError> {
        let patience = state.config.limits.body_timeout;
        Ok(json::read(request, state.gateway.body_bytes(), patience).await.map(Self)?)
    }
}

/// Who asks for what, by the headers.
pub fn asked(
    caller: Caller,
    headers: &HeaderMap,
    model: Option<String>,
    conversation: Option<String>,
) -> Ask {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let fresh = text("cache-control").is_some_and(|value| {
        value.split(',').any(|word| matches!(word.trim(), "no-cache" | "no-store" | "max-age=0"))
    });
    Ask {
        asker: Asker::from(caller),
        model: model.filter(|model| !model.is_empty()),
        conversation: text(CONVERSATION).map(str::to_owned).or(conversation),
        residency: match text(RESIDENCY) {
            None | Some("provider") => Residency::Provider,
            // A word that is not known never sends words farther than was meant.
            Some(_) => Residency::Realm,
        },
        cache: !fresh,
    }
}

/// The headers that lead to the reasons of an answer.
pub fn reasons<T>(answered: &Answered<T>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, text) in [(DECISION, &answered.decision), (TARGET, &answered.target)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
    headers
}

/// What this interface does not have.
pub async fn unknown() -> OpenAiError {
    let message = "This realm has nothing at this address. GET /openapi.json lists what it has.";
    OpenAiError { code: Some("unknown_url"), ..OpenAiError::new(StatusCode::NOT_FOUND, message.to_owned()) }
}

/// An error as an event of a stream that has begun.
fn error_event(error: &GatewayError) -> String {
    let body = OpenAiError::from(error).body();
    serde_json::to_string(&body).unwrap_or_else(|_| json!({"error": {}}).to_string())
}
