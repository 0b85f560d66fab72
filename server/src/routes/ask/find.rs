//! Who answers a question: a capability that the words mean, else a model.

use mtor_shared::{
    capability::{CapabilityId, SideEffect},
    problem::Problem,
    route::{Decision, decide, rank_lexical},
};
use serde_json::Value;

use crate::{
    gateway::{AnswerStream, Answered, Ask, Unanswered},
    identity::Caller,
    providers::chat::{ChatRequest, Message, Part},
    state::AppState,
};

/// An answer.
pub(in crate::routes) enum Found {
    /// A capability's data.
    Data {
        /// The capability.
        capability: CapabilityId,
        /// Who provides it.
        who: String,
        /// The result.
        data: Value,
    },
    /// A model's words.
    Words(Answered<AnswerStream>),
}

/// Why there is none.
pub(in crate::routes) enum Failed {
    /// Of the capability.
    Capability(Problem),
    /// Of the gateway.
    Model(Unanswered),
}

/// Answers a text. With a model named, that one answers; else what the words mean decides, with the same routing by words
/// as the shell has before its model is there.
pub(in crate::routes) async fn find(state: &AppState, ask: &Ask, text: &str) -> Result<Found, Failed> {
    if ask.model.is_none()
        && let Some(found) = capability(state, &ask.asker.caller, text).await
    {
        return found;
    }
    let request = ChatRequest {
        messages: vec![Message::User(vec![Part::Text(text.to_owned())])],
        ..ChatRequest::default()
    };
    state.gateway.chat_stream(ask, request).await.map(Found::Words).map_err(Failed::Model)
}

/// The capability that is meant, if there is one that only reads and all that it needs is in the words.
async fn capability(state: &AppState, caller: &Caller, text: &str) -> Option<Result<Found, Failed>> {
    let snapshot = state.catalogue.now();
    let Decision::Run { capability: id, .. } = decide(&rank_lexical(text, snapshot.listing())) else {
        return None;
    };
    let capability = state.invoker.capability(&id).ok()?;
    if capability.side_effect != SideEffect::Read {
        return None;
    }
    let args = state.invoker.arguments(&id, text).ok()?;
    let result = state.invoker.read(caller, &id, args).await;
    let found = |data| Found::Data { capability: id, who: capability.provider.name, data };
    Some(result.map(found).map_err(Failed::Capability))
}
