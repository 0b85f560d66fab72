//! Compiled capabilities as models: `capabilities/open-meteo/weather` answers a chat. What the person says last is the
//! arguments: as JSON, or as a sentence that they are taken out of. Nothing is made up: what is missing is asked for.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use mtor_shared::capability::CapabilityId;
use serde_json::Value;

use super::{
    Chunks, Provider, ProviderError,
    chat::{ChatRequest, ChatResponse, Finish},
};
use crate::invoke::Invoker;

/// See the module.
pub struct Capabilities {
    invoker: Arc<Invoker>,
}

impl Capabilities {
    /// Those of a realm.
    pub fn new(invoker: Arc<Invoker>) -> Self {
        Self { invoker }
    }
}

#[async_trait]
impl Provider for Capabilities {
    async fn chat(&self, model: &str, request: &ChatRequest) -> Result<ChatResponse, ProviderError> {
        let nothing = || ProviderError::Invalid("There is no message of a person to answer.".to_owned());
        let said = request.last_words().ok_or_else(nothing)?;
        let nobody = || ProviderError::Invalid("Nobody is there to call it for.".to_owned());
        let caller = request.behalf.as_ref().ok_or_else(nobody)?;
        let id = CapabilityId(model.to_owned());
        let refused = |problem: mtor_shared::problem::Problem| ProviderError::Invalid(problem.to_string());
        let args = match serde_json::from_str::<Value>(&said) {
            Ok(Value::Object(args)) => args,
            _ => self.invoker.arguments(&id, &said).map_err(refused)?,
        };
        let output = self.invoker.read(caller, &id, args).await.map_err(refused)?;
        Ok(ChatResponse { text: output.to_string(), finish: Finish::Stop, ..ChatResponse::default() })
    }

    async fn chat_stream(&self, model: &str, request: &ChatRequest) -> Result<Chunks, ProviderError> {
        let whole = self.chat(model, request).await?;
        Ok(stream::iter(whole.chunks().into_iter().map(Ok)).boxed())
    }
}
