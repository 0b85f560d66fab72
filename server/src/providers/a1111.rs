//! Stable Diffusion behind the web UI of Automatic1111: `POST /sdapi/v1/txt2img`. Shaped by its own API documentation
//! (`/docs` of a running web UI). The model `default` is the one that is loaded.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Chunks, Provider, ProviderError, Upstream,
    chat::{ChatRequest, ChatResponse},
    media::{Image, ImageRequest},
};

/// See the module.
pub struct A1111 {
    upstream: Upstream,
}

impl A1111 {
    /// At an address without `/sdapi`.
    pub fn new(upstream: Upstream) -> Self {
        Self { upstream }
    }
}

/// Fields that go on as they are: how the image is made, nothing that reaches files or scripts of the machine.
const KNOWN: [&str; 7] =
    ["steps", "cfg_scale", "sampler_name", "scheduler", "styles", "restore_faces", "tiling"];

#[derive(Deserialize)]
struct Made {
    images: Vec<String>,
}

#[derive(Deserialize)]
struct Checkpoint {
    model_name: String,
}

#[async_trait]
impl Provider for A1111 {
    async fn chat(&self, _: &str, _: &ChatRequest) -> Result<ChatResponse, ProviderError> {
        Err(ProviderError::Unsupported("chats"))
    }

    async fn chat_stream(&self, _: &str, _: &ChatRequest) -> Result<Chunks, ProviderError> {
        Err(ProviderError::Unsupported("chats"))
    }

    async fn image(&self, model: &str, request: &ImageRequest) -> Result<Vec<Image>, ProviderError> {
        let mut body = json!({
            "prompt": request.prompt, "negative_prompt": request.negative, "width": request.width,
            "height": request.height, "batch_size": request.count, "seed": request.seed.unwrap_or(-1),
            "do_not_save_samples": true, "do_not_save_grid": true,
        });
        for name in KNOWN {
            if let Some(value) = request.extra.get(name) {
                body[name] = value.clone();
            }
        }
        if model != "default" {
            body["override_settings"] = json!({"sd_model_checkpoint": model});
        }
        let made: Made = self.upstream.json("sdapi/v1/txt2img", &body).await?;
        let count = usize::try_from(request.count).unwrap_or(usize::MAX);
        // Some versions put a grid of all before them.
        let skip = made.images.len().saturating_sub(count);
        if made.images.is_empty() {
            return Err(ProviderError::Garbage("it has no image"));
        }
        Ok(made.images.into_iter().skip(skip).map(plain).map(Image::Base64).collect())
    }

    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        let models: Vec<Checkpoint> = self.upstream.get("sdapi/v1/sd-models").await?;
        Ok(models.into_iter().map(|model| model.model_name).collect())
    }
}

/// Some versions write `data:image/png;base64,` before the bytes.
fn plain(image: String) -> String {
    match image.split_once(";base64,") {
        Some((_, bytes)) => bytes.to_owned(),
        None => image,
    }
}

/// Whether a value is an image in base64; for workers too, whose answers are text or an image.
pub(super) fn is_image(value: &Value) -> bool {
    // The first bytes of PNG, JPEG and WebP.
    let known = |text: &str| ["iVBORw0KGgo", "/9j/", "UklGR"].iter().any(|head| text.starts_with(head));
    value.as_str().is_some_and(|text| known(text) || text.starts_with("data:image/"))
}

/// The bytes of an image, in base64.
pub(super) fn image(text: &str) -> Image {
    Image::Base64(plain(text.to_owned()))
}
