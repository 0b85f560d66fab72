//! The engine on the realm's own machine.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Instant,
};

use mtor_shared::{
    engine::{Backend, BackendPreference},
    model::{self, ModelFile, ModelId},
    problem::{Problem, ProblemCode},
};

use crate::{
    device::{self, Choice},
    generate::TextModel,
    models::{
        hibari::{self, Hibari},
        minilm::MiniLm,
        mobilenet::Classifier,
        nanodet::ThingFinder,
        ppocr::TextReader,
        silero::Silero,
        whisper::Whisper,
    },
    weights::file::VerifiedFile,
};

/// Where `cargo xtask models` leaves weights: `MTOR_MODELS`, or `mtor/models` in the user's cache folder.
#[expect(
    clippy::disallowed_methods,
    reason = "one rule for realm, command line and tests, which share the folder"
)]
pub fn models_folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("MTOR_MODELS") {
        return folder.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    cache.or_else(|| home.map(|home| home.join(".cache"))).unwrap_or_default().join("mtor").join("models")
}

/// Texts to vectors, with all-MiniLM-L6-v2.
pub struct Embedder {
    model: MiniLm,
    choice: Choice,
}

impl Embedder {
    /// Loads the model from a folder of files named by their SHA-256, onto the GPU or the CPU.
    ///
    /// With [`BackendPreference::Auto`], a GPU that computes wrong numbers gives way to the CPU.
    ///
    /// # Errors
    ///
    /// A missing or damaged file; a GPU that was asked for and is not there or computes wrong numbers.
    pub async fn load(folder: &Path, preference: BackendPreference) -> Result<Self, Problem> {
        let choice = device::choose(preference).await?;
        match Self::on(folder, choice.clone()).await {
            Err(problem) if choice.backend() == Backend::Gpu && preference == BackendPreference::Auto => {
                Self::on(folder, Choice::cpu(format!("{} The model runs on the CPU.", problem.title))).await
            }
            other => other,
        }
    }

    /// Loads the model onto a device that was chosen already, [`device::choose`] left out.
    ///
    /// # Errors
    ///
    /// As [`Embedder::load`].
    pub async fn on(folder: &Path, choice: Choice) -> Result<Self, Problem> {
        let weights = VerifiedFile::open(folder, file(model::EMBEDDER, "model.safetensors")?)?;
        let tokenizer =
            VerifiedFile::open(folder, file(model::EMBEDDER, "tokenizer.json")?)?.content().await?;
        let mut model = MiniLm::load(weights, &tokenizer, &choice.target, |_| {}).await?;
        model.check_itself().await?;
        trusted()?;
        Ok(Self { model, choice })
    }

    /// Where it computes and why.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// One unit vector of 384 elements a text, in order. Texts are cut off at 256 tokens.
    ///
    /// # Errors
    ///
    /// `device-lost` when the device does not give a result.
    pub async fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Problem> {
        let mut plan = self.model.plan(texts)?;
        while self.model.step(&mut plan).await? {}
        trusted()?;
        Ok(plan.into_vectors())
    }
}

/// Milliseconds since this was first asked.
pub fn clock() -> f64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed().as_secs_f64() * 1e3
}

/// Loads the language model of that name from a folder of files named by their SHA-256, onto the GPU or the CPU.
///
/// With [`BackendPreference::Auto`], a GPU that fails gives way to the CPU.
///
/// # Errors
///
/// A missing or damaged file; a model that is none for text; a GPU that was asked for and is not there or fails.
pub async fn text_model(
    folder: &Path,
    id: &str,
    preference: BackendPreference,
) -> Result<TextModel, Problem> {
    let choice = device::choose(preference).await?;
    match text_model_on(folder, id, &choice.target).await {
        Err(_) if choice.backend() == Backend::Gpu && preference == BackendPreference::Auto => {
            text_model_on(folder, id, &device::Target::Kernels).await
        }
        other => other,
    }
}

async fn text_model_on(folder: &Path, id: &str, target: &device::Target) -> Result<TextModel, Problem> {
    let weights = VerifiedFile::open(folder, file(id, "model.gguf")?)?;
    let mut model = TextModel::load(weights, target, |_| {}).await?;
    if model.backend() == Backend::Gpu {
        model.first_pass().await?;
        trusted()?;
    }
    Ok(model)
}

/// Loads a model that writes down speech from a folder of files named by their SHA-256.
///
/// # Errors
///
/// A missing or damaged file; a model that is none for speech.
pub async fn whisper(folder: &Path, id: &str) -> Result<Whisper, Problem> {
    let tokenizer = VerifiedFile::open(folder, file(id, "tokenizer.json")?)?.content().await?;
    let weights = VerifiedFile::open(folder, file(id, "model.bin")?)?;
    Whisper::load(weights, &tokenizer, |_| {}).await
}

/// Loads the model that hears whether somebody speaks from a folder of files named by their SHA-256.
///
/// # Errors
///
/// A missing or damaged file.
pub async fn speech_detector(folder: &Path) -> Result<Silero, Problem> {
    Silero::load(VerifiedFile::open(folder, file(model::SPEECH_DETECTOR, "model.bin")?)?).await
}

/// Loads the model that speaks from a folder of files named by their SHA-256.
///
/// # Errors
///
/// A missing or damaged file.
pub async fn speaker(folder: &Path) -> Result<Hibari, Problem> {
    let read = async |name: &str| VerifiedFile::open(folder, file(model::SPEAKER, name)?)?.content().await;
    Hibari::new(&hibari::Files {
        network: &read("hibari.onnx").await?,
        alphabet: &read("vocab.json").await?,
        unknown_words: &read("oov.onnx").await?,
        unknown_letters: &read("oov.json").await?,
        words: hibari::Sources {
            gold: &read("lexicon_us_gold.json.gz").await?,
            silver: &read("lexicon_us_silver.json.gz").await?,
            tagger: &read("tagger.json.gz").await?,
            normalize: &read("normalize.json").await?,
            exceptions: &read("tokenizer_exceptions.json").await?,
        },
    })
}

/// Loads the networks that read writing in pictures from a folder of files named by their SHA-256.
///
/// # Errors
///
/// A missing or damaged file.
pub async fn text_reader(folder: &Path) -> Result<TextReader, Problem> {
    let detector = content(folder, model::TEXT_READER, "detector.onnx").await?;
    let upright = content(folder, model::TEXT_READER, "upright.onnx").await?;
    let recogniser = content(folder, model::TEXT_READER, "recogniser.onnx").await?;
    TextReader::load(&detector, &upright, &recogniser)
}

/// Loads the network that names what a picture shows from a folder of files named by their SHA-256.
///
/// # Errors
///
/// A missing or damaged file.
pub async fn classifier(folder: &Path) -> Result<Classifier, Problem> {
    Classifier::load(&content(folder, model::CLASSIFIER, "model.pth").await?)
}

/// Loads the network that finds things in pictures from a folder of files named by their SHA-256.
///
/// # Errors
///
/// A missing or damaged file.
pub async fn thing_finder(folder: &Path) -> Result<ThingFinder, Problem> {
    let graph = content(folder, model::THING_FINDER, "model.json").await?;
    ThingFinder::load(&graph, &content(folder, model::THING_FINDER, "model.bin").await?)
}

async fn content(folder: &Path, id: &str, name: &str) -> Result<Vec<u8>, Problem> {
    VerifiedFile::open(folder, file(id, name)?)?.content().await
}

fn file(id: &str, name: &str) -> Result<&'static ModelFile, Problem> {
    let found = model::find(&ModelId(id.into())).and_then(|model| model.file(name));
    found.ok_or_else(|| {
        Problem::new(
            ProblemCode::NotFound,
            format!("The manifest has no {name} for {id}."),
            "Choose one of the models that `cargo xtask models` knows.",
        )
    })
}

/// Nothing that was computed after the GPU complained is given out.
fn trusted() -> Result<(), Problem> {
    match device::fault() {
        None => Ok(()),
        Some(fault) => Err(Problem::retryable(
            ProblemCode::DeviceLost,
            format!("The GPU failed ({fault})."),
            "Choose the CPU for this device.",
        )),
    }
}
