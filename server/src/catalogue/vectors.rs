//! Embeddings of the catalogue's sentences, computed once by the realm so that no tab has to.

use std::{collections::HashMap, path::Path, sync::Arc};

use bytes::Bytes;
use mtor_shared::{
    capability::CapabilityId,
    catalogue::{Catalogue as Listing, CatalogueVectors},
    model::{self, ModelId},
    problem::{Problem, ProblemCode},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Catalogue;
use crate::{
    etag,
    search::{
        engine::{Engine, LoadEmbedder},
        indexer::weights,
    },
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

/// See the module.
#[derive(Clone)]
pub struct Vectors {
    state: watch::Receiver<State>,
}

impl Vectors {
    /// Begins in the background, and again whenever the catalogue has other sentences; until those are computed the
    /// ones before stay, which say which capabilities they are of.
    pub fn start(
        catalogue: Arc<Catalogue>,
        storage: Arc<dyn Storage>,
        engine: Engine,
        shutdown: CancellationToken,
    ) -> Self {
        let (sender, state) = watch::channel(State::Computing);
        let work = async move {
            let mut changes = catalogue.subscribe();
            let mut sentences = None;
            loop {
                let snapshot = changes.borrow_and_update().clone();
                let listing = snapshot.listing();
                let now = Some((sentences_of(listing), ids_of(listing)));
                if sentences != now {
                    sentences = now;
                    let outcome = renew(listing, &*storage, &engine).await;
                    sender.send_replace(outcome);
                }
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::spawn(async move {
            tokio::select! {
                () = work => {}
                () = shutdown.cancelled() => {}
            }
        });
        Self { state }
    }

    /// How far they are now.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }
}

fn sentences_of(listing: &Listing) -> Vec<String> {
    let examples = listing.capabilities.iter().flat_map(|capability| &capability.examples);
    examples.map(|example| example.sentence()).chain(listing.background.iter().cloned()).collect()
}

fn ids_of(listing: &Listing) -> Vec<CapabilityId> {
    let with_examples = listing.capabilities.iter().filter(|capability| !capability.examples.is_empty());
    with_examples.map(|capability| capability.id.clone()).collect()
}

async fn renew(listing: &Listing, storage: &dyn Storage, engine: &Engine) -> State {
    let began = std::time::Instant::now();
    let outcome = match compute(listing, storage, engine).await {
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
    outcome
}

async fn compute(listing: &Listing, storage: &dyn Storage, engine: &Engine) -> Result<State, Problem> {
    // The hash of the weights names the model in the cache: other weights make other vectors.
    let sha = weights();
    let stored = |error: StorageError| error.problem();
    let mut known = storage.vectors(sha).await.map_err(stored)?;
    let mut missing: Vec<String> =
        sentences_of(listing).into_iter().filter(|text| !known.contains_key(text)).collect();
    missing.sort();
    missing.dedup();
    if !missing.is_empty() {
        let vectors = engine.embed(missing.clone()).await?;
        let computed: Vec<(String, Vec<f32>)> = missing.into_iter().zip(vectors).collect();
        storage.put_vectors(sha, &computed).await.map_err(stored)?;
        known.extend(computed);
    }
    let id = ModelId(model::EMBEDDER.to_owned());
    let vectors = assemble(listing, &known, id).ok_or_else(|| failed("a sentence has no vector"))?;
    let json = Bytes::from(serde_json::to_vec(&vectors).map_err(|error| failed(&error.to_string()))?);
    let etag = etag::of(&json).into();
    Ok(State::Ready(json, etag))
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

    use crate::search::engine::EmbedFn;

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
