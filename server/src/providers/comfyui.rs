//! ComfyUI: a workflow goes into its queue (`POST /prompt`), `GET /history/{id}` says when it is done, `GET /view` gives
//! the images. Shaped by ComfyUI's server routes. The workflow is the operator's own, in its API format, or a plain one.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{
    Chunks, Provider, ProviderError, Upstream,
    chat::{ChatRequest, ChatResponse},
    media::{Image, ImageRequest},
};
use crate::federated::egress::Phase;

/// How often the history is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// See the module.
pub struct ComfyUi {
    upstream: Upstream,
    workflow: Value,
    patience: Duration,
}

impl ComfyUi {
    /// With the operator's workflow, or a plain one. `patience` is how long an image may take.
    ///
    /// # Errors
    /// The workflow cannot be read.
    pub fn new(
        upstream: Upstream,
        workflow: Option<&Path>,
        patience: Duration,
    ) -> Result<Self, ProviderError> {
        let workflow = match workflow {
            None => plain_workflow(),
            Some(path) => {
                let shown = path.display();
                let wrong = |why: String| ProviderError::NotSetUp(format!("the workflow {shown} {why}"));
                let text = std::fs::read_to_string(path)
                    .map_err(|error| wrong(format!("cannot be read: {error}")))?;
                serde_json::from_str(&text).map_err(|error| wrong(format!("is no JSON: {error}")))?
            }
        };
        Ok(Self { upstream, workflow, patience })
    }

    async fn made(&self, id: &str) -> Result<History, ProviderError> {
        loop {
            let mut histories: std::collections::HashMap<String, History> =
                self.upstream.get(&format!("history/{id}")).await?;
            match histories.remove(id) {
                Some(history) if history.status.status_str == "error" => {
                    let message = "The workflow failed.".to_owned();
                    return Err(ProviderError::Status { status: 500, message, retry_after: None });
                }
                Some(history) if history.status.completed || !history.outputs.is_empty() => {
                    return Ok(history);
                }
                Some(_) | None => tokio::time::sleep(LOOK).await,
            }
        }
    }
}

/// Text to image with a checkpoint, as the example that ComfyUI opens with.
fn plain_workflow() -> Value {
    json!({
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "{{model}}"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}", "clip": ["1", 1]}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{negative}}", "clip": ["1", 1]}},
        "4": {"class_type": "EmptyLatentImage",
            "inputs": {"width": "{{width}}", "height": "{{height}}", "batch_size": "{{count}}"}},
        "5": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "positive": ["2", 0], "negative": ["3", 0],
            "latent_image": ["4", 0], "seed": "{{seed}}", "steps": 20, "cfg": 7, "sampler_name": "euler",
            "scheduler": "normal", "denoise": 1}},
        "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
        "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "mtor"}}
    })
}

/// Puts values into their places: a text that is nothing but a place becomes the value itself.
fn fill(workflow: &Value, values: &Map<String, Value>) -> Value {
    match workflow {
        Value::String(text) => {
            let alone = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
            if let Some(value) = alone.and_then(|name| values.get(name)) {
                return value.clone();
            }
            // In one pass, so that nothing that a person wrote is taken for a place.
            let mut filled = String::with_capacity(text.len());
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once("{{") {
                filled.push_str(before);
                match after.split_once("}}").and_then(|(name, after)| Some((values.get(name)?, after))) {
                    Some((value, after)) => {
                        match value {
                            Value::String(text) => filled.push_str(text),
                            other => filled.push_str(&other.to_string()),
                        }
                        rest = after;
                    }
                    None => {
                        filled.push_str("{{");
                        rest = after;
                    }
                }
            }
            filled.push_str(rest);
            Value::String(filled)
        }
        Value::Array(items) => items.iter().map(|item| fill(item, values)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), fill(member, values))).collect()
        }
        other => other.clone(),
    }
}

#[derive(Deserialize)]
struct Queued {
    prompt_id: String,
}

#[derive(Deserialize)]
struct History {
    #[serde(default)]
    outputs: std::collections::BTreeMap<String, Output>,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    completed: bool,
    #[serde(default)]
    status_str: String,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    images: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    filename: String,
    #[serde(default)]
    subfolder: String,
    #[serde(rename = "type", default)]
    kind: String,
}

#[async_trait]
impl Provider for ComfyUi {
    async fn chat(&self, _: &str, _: &ChatRequest) -> Result<ChatResponse, ProviderError> {
        Err(ProviderError::Unsupported("chats"))
    }

    async fn chat_stream(&self, _: &str, _: &ChatRequest) -> Result<Chunks, ProviderError> {
        Err(ProviderError::Unsupported("chats"))
    }

    async fn image(&self, model: &str, request: &ImageRequest) -> Result<Vec<Image>, ProviderError> {
        let values = json!({
            "model": model, "prompt": request.prompt, "negative": request.negative, "width": request.width,
            "height": request.height, "count": request.count, "seed": request.seed.unwrap_or(0).unsigned_abs(),
        });
        let Value::Object(values) = values else { return Err(ProviderError::Unsupported("images")) };
        let body = json!({"prompt": fill(&self.workflow, &values), "client_id": "mtor"});
        let queued: Queued = self.upstream.json("prompt", &body).await?;
        if !queued.prompt_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(ProviderError::Garbage("the id of what was queued is none"));
        }
        let made = tokio::time::timeout(self.patience, self.made(&queued.prompt_id)).await;
        let late = |_| ProviderError::TimedOut { phase: Phase::Total, after: self.patience };
        let mut images = Vec::new();
        for place in made.map_err(late)??.outputs.into_values().flat_map(|output| output.images) {
            // Previews are of other types.
            if !matches!(place.kind.as_str(), "output" | "temp") {
                continue;
            }
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("filename", &place.filename)
                .append_pair("subfolder", &place.subfolder)
                .append_pair("type", &place.kind)
                .finish();
            let bytes = self.upstream.get_bytes(&format!("view?{query}")).await?;
            images.push(Image::Base64(STANDARD.encode(bytes)));
        }
        if images.is_empty() {
            return Err(ProviderError::Garbage("the workflow made no image"));
        }
        Ok(images)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_to_their_places_and_words_of_a_person_are_no_places() {
        let values = json!({"prompt": "a {{seed}} \"quoted\"", "seed": 7, "width": 512});
        let workflow =
            json!({"text": "photo of {{prompt}}, {{unknown}}", "n": ["{{seed}}", 1], "w": "{{width}}"});
        assert_eq!(
            fill(&workflow, values.as_object().expect("an object")),
            json!({"text": "photo of a {{seed}} \"quoted\", {{unknown}}", "n": [7, 1], "w": 512})
        );
    }
}
