//! A worker of the first MTOR, unchanged: `POST /predict` takes `{prompt, type, model_type, model_name, image?}` and gives
//! `{response}`; `GET /health` says whether it is well.

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Chunks, Provider, ProviderError, Upstream, a1111,
    chat::{ChatRequest, ChatResponse, Finish, Message, Part, Picture, words},
    media::{Image, ImageRequest},
};

/// See the module.
pub struct Worker {
    upstream: Upstream,
}

impl Worker {
    /// At an address without `/predict`.
    pub fn new(upstream: Upstream) -> Self {
        Self { upstream }
    }

    async fn predict(&self, body: &Value) -> Result<Value, ProviderError> {
        let answer: Predicted = self.upstream.json("predict", body).await?;
        match answer.error {
            Some(error) => {
                let message = error.as_str().unwrap_or("The worker failed.").chars().take(600).collect();
                Err(ProviderError::Status { status: 500, message, retry_after: None })
            }
            None => Ok(answer.response),
        }
    }
}

#[derive(Deserialize)]
struct Predicted {
    #[serde(default)]
    response: Value,
    #[serde(default)]
    error: Option<Value>,
}

/// A conversation as one text: the words alone where there is nothing before them.
fn prompt(request: &ChatRequest) -> String {
    if let [Message::User(parts)] = request.messages.as_slice()
        && request.resume.is_none()
    {
        return words(parts);
    }
    let mut lines: Vec<String> = request
        .messages
        .iter()
        .map(|message| match message {
            Message::System(text) => text.clone(),
            Message::User(parts) => format!("User: {}", words(parts)),
            Message::Assistant { text, .. } => format!("Assistant: {text}"),
            Message::Tool { text, .. } => format!("Result: {text}"),
        })
        .collect();
    lines.push(format!(
        "Assistant:{}",
        request.resume.as_deref().map_or(String::new(), |said| format!(" {said}"))
    ));
    lines.join("\n")
}

fn picture(request: &ChatRequest) -> Result<Option<String>, ProviderError> {
    let parts = request.messages.iter().rev().find_map(|message| match message {
        Message::User(parts) => Some(parts),
        Message::System(_) | Message::Assistant { .. } | Message::Tool { .. } => None,
    });
    for part in parts.into_iter().flatten() {
        match part {
            Part::Image(Picture::Data { base64, .. }) => return Ok(Some(base64.clone())),
            Part::Image(Picture::Url(_)) => return Err(ProviderError::Unsupported("images by address")),
            Part::Audio { .. } => return Err(ProviderError::Unsupported("recordings in a chat")),
            Part::Text(_) => {}
        }
    }
    Ok(None)
}

#[async_trait]
impl Provider for Worker {
    async fn chat(&self, model: &str, request: &ChatRequest) -> Result<ChatResponse, ProviderError> {
        let image = picture(request)?;
        let kind = if image.is_some() { "vision" } else { "chat" };
        let mut body = json!({"prompt": prompt(request), "type": kind, "model_type": "worker_node", "model_name": model});
        if let Some(image) = image {
            body["image"] = image.into();
        }
        match self.predict(&body).await? {
            Value::String(text) => Ok(ChatResponse { text, finish: Finish::Stop, ..ChatResponse::default() }),
            _ => Err(ProviderError::Garbage("the response is no text")),
        }
    }

    /// In one piece: these workers do not stream.
    async fn chat_stream(&self, model: &str, request: &ChatRequest) -> Result<Chunks, ProviderError> {
        let whole = self.chat(model, request).await?;
        Ok(stream::iter(whole.chunks().into_iter().map(Ok)).boxed())
    }

    async fn image(&self, model: &str, request: &ImageRequest) -> Result<Vec<Image>, ProviderError> {
        let body = json!({"prompt": request.prompt, "type": "imagine", "model_type": "worker_node", "model_name": model});
        let mut images = Vec::new();
        for _ in 0..request.count {
            let response = self.predict(&body).await?;
            match response.as_str().filter(|_| a1111::is_image(&response)) {
                Some(text) => images.push(a1111::image(text)),
                None => return Err(ProviderError::Garbage("the response is no image")),
            }
        }
        Ok(images)
    }

    /// None by name; asking says whether the worker is well.
    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        let _: Value = self.upstream.get("health").await?;
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_question_is_sent_as_it_is_and_a_conversation_as_lines() {
        let user = |text: &str| Message::User(vec![Part::Text(text.into())]);
        let mut request = ChatRequest { messages: vec![user("Hi")], ..ChatRequest::default() };
        assert_eq!(prompt(&request), "Hi");
        request.messages = vec![
            user("Hi"),
            Message::Assistant { text: "Hello.".into(), calls: vec![] },
            user("Who are you?"),
        ];
        assert_eq!(prompt(&request), "User: Hi\nAssistant: Hello.\nUser: Who are you?\nAssistant:");
    }
}
