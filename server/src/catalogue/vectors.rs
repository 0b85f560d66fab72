//! Embeddings of the catalogue's sentences, computed once by the realm so that no tab has to.

use std::{collections::HashMap, path::Path, sync::Arc};

use bytes::Bytes;
use mtor_shared::{
    catalogue::{Catalogue as Listing, CatalogueVectors},
    model::{self, ModelId},
    problem::{Problem, ProblemCode},
};
use tokio::sync::watch;

use crate::{
    etag,
    storage::{Storage, StorageError},
};

/// How far they are.
#[derive(Clone, Debug)]
pub enum State {
    /// They are being computed.
    Computing,
    /// There are none, for a reason.
    Absent(Problem),
    /// As JSON, with its entity tag.
    Ready(Bytes, Arc<str>),
}

/// Turns sentences into unit vectors; made when the first sentence is not in the cache, since that loads weights.
pub type EmbedFn = Box<dyn FnMut(&[&str]) -> Result<Vec<Vec<f32>>, String>>;

/// Makes an [`EmbedFn`]; called on a blocking thread.
pub type LoadEmbedder = Box<dyn FnOnce() -> Result<EmbedFn, String> + Send>;

/// Sentences that are embedded at a time.
const BATCH: usize = 32;

/// See the module.
#[derive(Clone)]
pub struct Vectors {
    state: watch::Receiver<State>,
}

impl Vectors {
    /// Begins in the background.
    pub fn start(listing: Listing, storage: Arc<dyn Storage>, load: Result<LoadEmbedder, Problem>) -> Self {
        let (sender, state) = watch::channel(State::Computing);
        tokio::spawn(async move {
            let began = std::time::Instant::now();
            let outcome = match compute(&listing, &*storage, load).await {
                Ok(outcome) => outcome,
                Err(problem) => State::Absent(problem),
            };
            match &outcome {
                State::Ready(json, _) => {
                    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(elapsed_ms, bytes = json.len(), "the catalogue's vectors are ready");
                }
                State::Absent(problem) => tracing::warn!(%problem, "there are no catalogue vectors"),
                State::Computing => {}
            }
            sender.send_replace(outcome);
        });
        Self { state }
    }

    /// How far they are now.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }
}

async fn compute(
    listing: &Listing,
    storage: &dyn Storage,
    load: Result<LoadEmbedder, Problem>,
) -> Result<State, Problem> {
    // The hash of the weights names the model in the cache: other weights make other vectors.
    let id = ModelId(model::EMBEDDER.to_owned());
    let sha =
        model::find(&id).and_then(|model| model.file("model.safetensors")).map(|file| file.sha256.as_str());
    let sha = sha.unwrap_or_default();
    let stored = |error: StorageError| error.problem();
    let mut known = storage.vectors(sha).await.map_err(stored)?;
    let sentences: Vec<String> = listing
        .capabilities
        .iter()
        .flat_map(|capability| capability.examples.iter().map(|example| example.sentence()))
        .chain(listing.background.iter().cloned())
        .collect();
    let mut missing: Vec<String> = sentences.into_iter().filter(|text| !known.contains_key(text)).collect();
    missing.sort();
    missing.dedup();
    if !missing.is_empty() {
        let load = load?;
        let computed = tokio::task::spawn_blocking(move || embed(load, missing)).await;
        let computed =
            computed.map_err(|error| failed(&error.to_string()))?.map_err(|error| failed(&error))?;
        storage.put_vectors(sha, &computed).await.map_err(stored)?;
        known.extend(computed);
    }
    let vectors = assemble(listing, &known, id).ok_or_else(|| failed("a sentence has no vector"))?;
    let json = Bytes::from(serde_json::to_vec(&vectors).map_err(|error| failed(&error.to_string()))?);
    let etag = etag::of(&json).into();
    Ok(State::Ready(json, etag))
}

fn embed(load: LoadEmbedder, missing: Vec<String>) -> Result<Vec<(String, Vec<f32>)>, String> {
    let mut embed = load()?;
    let mut computed = Vec::with_capacity(missing.len());
    for batch in missing.chunks(BATCH) {
        let texts: Vec<&str> = batch.iter().map(String::as_str).collect();
        let vectors = embed(&texts)?;
        if vectors.len() != batch.len() {
            return Err(format!("{} sentences have {} vectors", batch.len(), vectors.len()));
        }
        computed.extend(batch.iter().cloned().zip(vectors));
    }
    Ok(computed)
}

fn assemble(
    listing: &Listing,
    known: &HashMap<String, Vec<f32>>,
    model: ModelId,
) -> Option<CatalogueVectors> {
    let of = |text: &String| known.get(text).cloned();
    let examples = listing.capabilities.iter().filter(|capability| !capability.examples.is_empty());
    let examples = examples.map(|capability| {
        let rows: Option<Vec<_>> =
            capability.examples.iter().map(|example| of(&example.sentence())).collect();
        Some((capability.id.clone(), rows?))
    });
    Some(CatalogueVectors {
        model,
        examples: examples.collect::<Option<_>>()?,
        background: listing.background.iter().map(of).collect::<Option<_>>()?,
    })
}

fn failed(why: &str) -> Problem {
    Problem::new(
        ProblemCode::Unsupported,
        format!("The realm cannot compute the meaning of its examples: {why}."),
        "Matching by words still works.",
    )
}

/// The native engine, when this binary has one and the weights are there. It computes on the CPU: a few hundred
/// short sentences are done before a GPU's kernels would be compiled.
///
/// # Errors
/// The problem that readers of the vectors get instead.
#[cfg(feature = "inference")]
pub fn native_embedder(models: &Path) -> Result<LoadEmbedder, Problem> {
    use mtor_inference::Embedder;
    use mtor_shared::engine::BackendPreference;

    let model = model::find(&ModelId(model::EMBEDDER.to_owned()));
    if !model.is_some_and(|model| model.files.iter().all(|file| models.join(&file.sha256).is_file())) {
        return Err(Problem::new(
            ProblemCode::Unsupported,
            format!("The realm has no model weights in {}.", models.display()),
            "`cargo xtask models` fetches them; matching by words works without.",
        ));
    }
    let models = models.to_owned();
    // The engine's futures belong to one thread, so that thread drives them.
    let runtime = tokio::runtime::Handle::current();
    Ok(Box::new(move || {
        let loaded = runtime.block_on(Embedder::load(&models, BackendPreference::Cpu));
        let mut embedder = loaded.map_err(|problem| problem.to_string())?;
        let embed = move |texts: &[&str]| {
            runtime.block_on(embedder.embed(texts)).map_err(|problem| problem.to_string())
        };
        Ok(Box::new(embed) as EmbedFn)
    }))
}

/// This binary has no engine.
///
/// # Errors
/// Always.
#[cfg(not(feature = "inference"))]
pub fn native_embedder(_: &Path) -> Result<LoadEmbedder, Problem> {
    Err(Problem::new(
        ProblemCode::Unsupported,
        "This realm was built without the inference engine.",
        "Matching by words works without.",
    ))
}
