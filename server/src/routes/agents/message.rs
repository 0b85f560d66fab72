//! `POST /a2a`

use axum::{Json, extract::State, http::HeaderMap};
use futures_util::StreamExt;
use mtor_shared::intent::Intent;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    identity::Caller,
    providers::chat::Chunk,
    routes::{
        ask::find::{Failed, Found, find},
        v1::asked,
    },
    state::AppState,
};

/// A JSON-RPC 2.0 call.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Call {
    /// Given back with the answer.
    #[serde(default)]
    #[schema(value_type = Object)]
    id: Value,
    /// `SendMessage` (A2A 1.0) or `message/send` (0.3).
    method: String,
    /// `{"message": {"parts": [{"text": "…"}]}}`
    #[serde(default)]
    #[schema(value_type = Object)]
    params: Value,
}

/// Which version of the protocol is spoken: they differ in names, and in how a part says what it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Zero3,
}

impl Version {
    fn part(self, text: String) -> Value {
        match self {
            Self::One => json!({"text": text}),
            Self::Zero3 => json!({"kind": "text", "text": text}),
        }
    }

    fn data(self, data: Value) -> Value {
        match self {
            Self::One => json!({"data": data}),
            Self::Zero3 => json!({"kind": "data", "data": data}),
        }
    }

    fn result(self, id: String, context: Value, parts: Vec<Value>) -> Value {
        let mut message = json!({"messageId": id, "parts": parts});
        if !context.is_null() {
            message["contextId"] = context;
        }
        match self {
            Self::One => {
                message["role"] = "ROLE_AGENT".into();
                json!({"message": message})
            }
            Self::Zero3 => {
                message["role"] = "agent".into();
                message["kind"] = "message".into();
                message
            }
        }
    }
}

/// Answers another agent's message: at once, as a message, without a task to come back for.
#[utoipa::path(post, path = "/a2a", tag = "gateway", operation_id = "send_message", request_body = Call, responses(
    (status = 200, description = "A JSON-RPC answer.", body = Object),
    (status = 400, description = "This is no JSON.", body = ProblemDocument),
))]
pub async fn send(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    StrictJson(call): StrictJson<Call>,
) -> Result<Json<Value>, ApiError> {
    let failed = |code: i32, message: String| {
        Ok(Json(json!({"jsonrpc": "2.0", "id": call.id, "error": {"code": code, "message": message}})))
    };
    let version = match call.method.as_str() {
        "SendMessage" => Version::One,
        "message/send" => Version::Zero3,
        _ => return failed(-32601, "There are SendMessage and message/send.".to_owned()),
    };
    let message = &call.params["message"];
    let parts = message["parts"].as_array().into_iter().flatten();
    let words: Vec<&str> = parts.filter_map(|part| part["text"].as_str()).collect();
    let intent = match Intent::text(&words.join("\n")) {
        Ok(intent) => intent,
        Err(error) => return failed(-32602, error.to_string()),
    };
    let context = message["contextId"].clone();
    let ask = asked(caller, &headers, None, context.as_str().map(str::to_owned));
    let (id, parts) = match find(&state, &ask, intent.words()).await {
        Ok(Found::Data { data, .. }) => {
            let mut id = [0; 16];
            let random = crate::random::SystemRandom;
            if crate::random::Random::fill(&random, &mut id).is_err() {
                return failed(-32603, "The system gives no random bytes.".to_owned());
            }
            let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
            (id, vec![version.data(data)])
        }
        Ok(Found::Words(mut answered)) => {
            let mut text = String::new();
            while let Some(piece) = answered.value.next().await {
                match piece {
                    Ok(Chunk::Text(more)) => text.push_str(&more),
                    Ok(Chunk::Reasoning(_) | Chunk::Call { .. } | Chunk::End { .. }) => {}
                    Err(error) => return failed(-32603, error.message()),
                }
            }
            (answered.decision, vec![version.part(text)])
        }
        Err(Failed::Capability(problem)) => return failed(-32603, problem.to_string()),
        Err(Failed::Model(unanswered)) => return failed(-32603, unanswered.error.message()),
    };
    let result = version.result(id, context, parts);
    Ok(Json(json!({"jsonrpc": "2.0", "id": call.id, "result": result})))
}
