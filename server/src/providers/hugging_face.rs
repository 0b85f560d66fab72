//! Hugging Face: its router speaks OpenAI's language for chats; embeddings and images are asked of the serverless
//! inference below `/hf-inference/models/`. Shaped by the documentation of Inference Providers.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    Chunks, Provider, ProviderError, Upstream,
    chat::{ChatRequest, ChatResponse},
    media::{EmbedRequest, Embeddings, Image, ImageRequest},
    openai::OpenAi,
};

/// See the module.
pub struct HuggingFace {
    chats: OpenAi,
    upstream: Upstream,
}

impl HuggingFace {
    /// At an address without `/v1`.
    pub fn new(upstream: Upstream) -> Self {
        Self { chats: OpenAi::new(upstream.below("v1")), upstream }
    }
}

/// The mean over tokens where a model gives a vector for each; the vector itself where it gives one.
fn pooled(value: &Value) -> Option<Vec<f32>> {
    let numbers = |row: &Value| -> Option<Vec<f32>> {
        row.as_array()?.iter().map(|number| number.as_f64().map(|number| number as f32)).collect()
    };
    let rows = value.as_array()?;
    if rows.first()?.is_number() {
        return numbers(value);
    }
    let rows: Vec<Vec<f32>> = rows.iter().map(numbers).collect::<Option<_>>()?;
    let width = rows.first()?.len();
    let mut mean = vec![0.0; width];
    for row in &rows {
        if row.len() != width {
            return None;
        }
        mean.iter_mut().zip(row).for_each(|(sum, number)| *sum += number / rows.len() as f32);
    }
    Some(mean)
}

#[async_trait]
impl Provider for HuggingFace {
    async fn chat(&self, model: &str, request: &ChatRequest) -> Result<ChatResponse, ProviderError> {
        self.chats.chat(model, request).await
    }

    async fn chat_stream(&self, model: &str, request: &ChatRequest) -> Result<Chunks, ProviderError> {
        self.chats.chat_stream(model, request).await
    }

    async fn embed(&self, model: &str, request: &EmbedRequest) -> Result<Embeddings, ProviderError> {
        let path = format!("hf-inference/models/{model}/pipeline/feature-extraction");
        let answer: Vec<Value> = self.upstream.json(&path, &json!({"inputs": request.texts})).await?;
        let vectors: Option<Vec<Vec<f32>>> = answer.iter().map(pooled).collect();
        let vectors = vectors.filter(|vectors| vectors.len() == request.texts.len());
        let vectors = vectors.ok_or(ProviderError::Garbage("it has not one vector a text"))?;
        Ok(Embeddings { vectors, input: None })
    }

    async fn image(&self, model: &str, request: &ImageRequest) -> Result<Vec<Image>, ProviderError> {
        let mut parameters = json!({"width": request.width, "height": request.height});
        if !request.negative.is_empty() {
            parameters["negative_prompt"] = request.negative.clone().into();
        }
        let mut images = Vec::new();
        for number in 0..i64::from(request.count) {
            if let Some(seed) = request.seed {
                parameters["seed"] = seed.wrapping_add(number).into();
            }
            let body = json!({"inputs": request.prompt, "parameters": parameters});
            let path = format!("hf-inference/models/{model}");
            let (kind, bytes) = self.upstream.json_for_bytes(&path, &body).await?;
            if !kind.starts_with("image/") {
                return Err(ProviderError::Garbage("an image is none"));
            }
            images.push(Image::Base64(STANDARD.encode(bytes)));
        }
        Ok(images)
    }

    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        self.chats.models().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_tokens_become_their_mean() {
        assert_eq!(pooled(&json!([1.0, 2.0])), Some(vec![1.0, 2.0]));
        assert_eq!(pooled(&json!([[1.0, 2.0], [3.0, 4.0]])), Some(vec![2.0, 3.0]));
        assert_eq!(pooled(&json!([[1.0, 2.0], [3.0]])), None);
        assert_eq!(pooled(&json!([])), None);
    }
}
