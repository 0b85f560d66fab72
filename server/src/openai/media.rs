//! Embeddings, images and speech.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::chat::OneOrMany;
use crate::providers::{
    ProviderError,
    media::{EmbedRequest, Embeddings, Image, ImageRequest, SpeechRequest},
};

/// What `POST /v1/embeddings` takes.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct EmbedBody {
    /// A model of `GET /v1/models`, or `provider/model`.
    #[serde(default)]
    pub model: Option<String>,
    /// A text, or several.
    #[schema(value_type = Vec<String>)]
    pub input: OneOrMany,
    /// `float` or `base64`: four bytes a number, the lowest first.
    #[serde(default)]
    pub encoding_format: Option<String>,
    /// How long vectors are wanted, where a model can choose.
    #[serde(default)]
    pub dimensions: Option<u32>,
}

impl EmbedBody {
    /// In the gateway's words.
    pub fn read(self) -> (Option<String>, EmbedRequest, bool) {
        let base64 = self.encoding_format.as_deref() == Some("base64");
        (self.model, EmbedRequest { texts: self.input.into(), dimensions: self.dimensions }, base64)
    }
}

/// Vectors as clients get them.
pub fn encode_embeddings(model: &str, embeddings: &Embeddings, base64: bool) -> Value {
    let data: Vec<Value> = embeddings
        .vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| {
            let embedding = if base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                Value::from(STANDARD.encode(bytes))
            } else {
                Value::from(vector.as_slice())
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let tokens = embeddings.input.unwrap_or(0);
    json!({"object": "list", "data": data, "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})
}

/// Vectors as a provider sends them.
#[derive(Debug, Deserialize)]
pub struct EmbedAnswer {
    data: Vec<EmbedDatum>,
    #[serde(default)]
    usage: Option<EmbedUsage>,
}

#[derive(Debug, Deserialize)]
struct EmbedDatum {
    #[serde(default)]
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Debug, Deserialize)]
struct EmbedUsage {
    #[serde(default)]
    prompt_tokens: u64,
}

impl EmbedAnswer {
    /// In the order of the texts.
    ///
    /// # Errors
    /// There are not as many as there are texts.
    pub fn read(mut self, texts: usize) -> Result<Embeddings, ProviderError> {
        self.data.sort_by_key(|datum| datum.index);
        if self.data.len() != texts {
            return Err(ProviderError::Garbage("it has not one vector a text"));
        }
        let vectors = self.data.into_iter().map(|datum| datum.embedding).collect();
        Ok(Embeddings { vectors, input: self.usage.map(|usage| usage.prompt_tokens) })
    }
}

/// What `POST /v1/images/generations` takes. Fields that are not listed go on to providers that speak this format.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct ImageBody {
    /// A model of `GET /v1/models`, or `provider/model`.
    #[serde(default)]
    pub model: Option<String>,
    /// What the image shows.
    pub prompt: String,
    /// How many, 1 to 10.
    #[serde(default)]
    pub n: Option<u32>,
    /// For example `1024x1024`.
    #[serde(default)]
    pub size: Option<String>,
    /// What the image must not show, where a provider can be told.
    #[serde(default)]
    pub negative_prompt: Option<String>,
    /// The same seed gives the same image, where a provider can.
    #[serde(default)]
    pub seed: Option<i64>,
    /// Everything else.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

impl ImageBody {
    /// In the gateway's words; the error is a sentence and the field that it is about.
    ///
    /// # Errors
    /// A size or a number that makes no image.
    pub fn read(self) -> Result<(Option<String>, ImageRequest), (String, &'static str)> {
        let size = match self.size.as_deref() {
            None | Some("auto") => (1024, 1024),
            Some(size) => size
                .split_once('x')
                .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
                .filter(|(width, height)| (64..=4096).contains(width) && (64..=4096).contains(height))
                .ok_or_else(|| ("size is not WIDTHxHEIGHT from 64x64 to 4096x4096.".to_owned(), "size"))?,
        };
        let count = self.n.unwrap_or(1);
        if !(1..=10).contains(&count) {
            return Err(("n is not 1 to 10.".to_owned(), "n"));
        }
        let request = ImageRequest {
            prompt: self.prompt,
            negative: self.negative_prompt.unwrap_or_default(),
            count,
            width: size.0,
            height: size.1,
            seed: self.seed,
            extra: self.extra,
        };
        Ok((self.model, request))
    }
}

/// A request for images in the form that a provider takes.
pub fn encode_image_request(model: &str, request: &ImageRequest) -> Value {
    let mut body = request.extra.clone();
    body.insert("model".into(), model.into());
    body.insert("prompt".into(), request.prompt.clone().into());
    body.insert("n".into(), request.count.into());
    body.insert("size".into(), format!("{}x{}", request.width, request.height).into());
    Value::Object(body)
}

/// An image on the wire, both ways.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct WireImage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b64_json: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// Images as a provider sends them.
#[derive(Debug, Deserialize)]
pub struct ImageAnswer {
    data: Vec<WireImage>,
}

impl ImageAnswer {
    /// In the gateway's words.
    ///
    /// # Errors
    /// One of them is neither bytes nor an address.
    pub fn read(self) -> Result<Vec<Image>, ProviderError> {
        let image = |image: WireImage| match (image.b64_json, image.url) {
            (Some(base64), _) => Ok(Image::Base64(base64)),
            (None, Some(url)) => Ok(Image::Url(url)),
            (None, None) => Err(ProviderError::Garbage("an image is neither bytes nor an address")),
        };
        self.data.into_iter().map(image).collect()
    }
}

/// Images as clients get them.
pub fn encode_images(created: u64, images: &[Image]) -> Value {
    let images: Vec<WireImage> = images
        .iter()
        .map(|image| match image {
            Image::Base64(base64) => WireImage { b64_json: Some(base64.clone()), url: None },
            Image::Url(url) => WireImage { b64_json: None, url: Some(url.clone()) },
        })
        .collect();
    json!({"created": created, "data": images})
}

/// What `POST /v1/audio/speech` takes. Fields that are not listed go on.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct SpeechBody {
    /// A model of `GET /v1/models`, or `provider/model`.
    #[serde(default)]
    pub model: Option<String>,
    /// The words.
    pub input: String,
    /// Everything else: `voice`, `response_format`, `speed`.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

impl SpeechBody {
    /// In the gateway's words.
    pub fn read(self) -> (Option<String>, SpeechRequest) {
        (self.model, SpeechRequest { input: self.input, extra: self.extra })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_in_the_order_of_the_texts_and_in_both_encodings() {
        let wire = json!({"data": [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}],
            "usage": {"prompt_tokens": 4, "total_tokens": 4}});
        let answer: EmbedAnswer = serde_json::from_value(wire).expect("an answer");
        let embeddings = answer.read(2).expect("vectors");
        assert_eq!(embeddings.vectors, [[1.0], [2.0]]);
        let shown = encode_embeddings("m", &embeddings, true);
        assert_eq!(shown["data"][0]["embedding"], "AACAPw==");
        assert_eq!(shown["usage"]["prompt_tokens"], 4);
        assert_eq!(encode_embeddings("m", &embeddings, false)["data"][1]["embedding"][0], 2.0);
    }

    #[test]
    fn a_missing_vector_is_noticed() {
        let answer: EmbedAnswer = serde_json::from_value(json!({"data": []})).expect("an answer");
        assert!(answer.read(1).is_err());
    }

    #[test]
    fn sizes_are_checked() {
        let read = |size: &str| {
            let body: ImageBody =
                serde_json::from_value(json!({"prompt": "x", "size": size})).expect("a body");
            body.read().map(|(_, request)| (request.width, request.height)).map_err(|(_, field)| field)
        };
        assert_eq!(read("512x768"), Ok((512, 768)));
        for wrong in ["99999x1", "x", "512", "-1x5"] {
            assert_eq!(read(wrong), Err("size"));
        }
    }
}
