//! Computes the meanings of operations in the background: what is not in the database yet, enabled sources first.

use std::{collections::HashMap, collections::HashSet, sync::Arc};

use mtor_shared::model::{self, ModelId};
use tokio_util::sync::CancellationToken;

use super::{
    engine::Engine,
    meaning::{self, Meanings},
};
use crate::{
    catalogue::Catalogue,
    sources::version::Version,
    storage::{Storage, StorageError},
};

/// Operations that are computed and kept at a time.
const BATCH: usize = 64;

/// Names the model's weights in the database: other weights make other vectors.
pub fn weights() -> &'static str {
    let embedder = model::find(&ModelId(model::EMBEDDER.to_owned()));
    embedder.and_then(|model| model.file("model.safetensors")).map_or("", |file| file.sha256.as_str())
}

/// Follows the catalogue until the realm shuts down or the engine fails.
pub async fn run(
    catalogue: Arc<Catalogue>,
    storage: Arc<dyn Storage>,
    engine: Engine,
    shutdown: CancellationToken,
) {
    let mut changes = catalogue.subscribe();
    let work = async {
        let mut pruned = false;
        loop {
            let snapshot = changes.borrow_and_update().clone();
            let mut shelves: Vec<_> = snapshot.shelves().cloned().collect();
            shelves.sort_by_key(|shelf| !shelf.enabled);
            if !pruned {
                pruned = true;
                let texts = shelves.iter().flat_map(|shelf| shelf.version.capabilities());
                let keep: HashSet<[u8; 32]> = texts.map(|one| meaning::hash(&meaning::text(one))).collect();
                if let Err(error) = storage.prune_meanings(weights(), &keep).await {
                    tracing::warn!(%error, "old meanings cannot be forgotten");
                }
            }
            let mut known = 0;
            for shelf in shelves {
                if !complete(&shelf.version, &*storage, &engine).await {
                    return;
                }
                known += shelf.version.len();
                metrics::gauge!("mtor_search_meanings").set(known as f64);
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = shutdown.cancelled() => {}
    }
}

/// Makes a version's meanings complete; false when the engine or the database cannot.
async fn complete(version: &Version, storage: &dyn Storage, engine: &Engine) -> bool {
    if version.meanings.get().is_some() {
        return true;
    }
    match compute(version, storage, engine).await {
        Ok(Some(meanings)) => {
            // Only this task sets it.
            let _ = version.meanings.set(meanings);
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(%error, "meanings cannot be kept");
            false
        }
    }
}

async fn compute(
    version: &Version,
    storage: &dyn Storage,
    engine: &Engine,
) -> Result<Option<Meanings>, StorageError> {
    let texts: Vec<String> = version.capabilities().map(meaning::text).collect();
    let hashes: Vec<[u8; 32]> = texts.iter().map(|text| meaning::hash(text)).collect();
    let mut known = storage.meanings(weights(), &hashes).await?;
    let mut missing: HashMap<[u8; 32], &String> = hashes.iter().copied().zip(&texts).collect();
    missing.retain(|hash, _| !known.contains_key(hash));
    let missing: Vec<([u8; 32], &String)> = missing.into_iter().collect();
    for batch in missing.chunks(BATCH) {
        let words = batch.iter().map(|(_, text)| (*text).clone()).collect();
        let vectors = match engine.embed(words).await {
            Ok(vectors) => vectors,
            Err(problem) => {
                tracing::info!(%problem, "search works by words alone");
                return Ok(None);
            }
        };
        let vectors = vectors.iter().map(|vector| meaning::quantised(vector));
        let made: Vec<_> = batch.iter().map(|(hash, _)| *hash).zip(vectors).collect();
        storage.put_meanings(weights(), &made).await?;
        known.extend(made);
    }
    let rows: Option<Vec<&[i8]>> = hashes.iter().map(|hash| known.get(hash).map(Vec::as_slice)).collect();
    Ok(rows.and_then(|rows| Meanings::of(&rows)))
}
