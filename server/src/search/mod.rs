//! Search over operations: by words and by meaning, fused by reciprocal rank (Cormack et al., 2009).

pub mod engine;
pub mod indexer;
pub mod meaning;
pub mod words;

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use mtor_shared::{
    problem::{Problem, ProblemCode},
    source::{OperationPage, SourceId},
};

use self::engine::Engine;
use crate::catalogue::{Shelf, Snapshot};

/// The longest query, in bytes.
const QUERY_BYTES: usize = 1024;
/// The most lines of a page.
const MAX_LIMIT: usize = 200;
/// How long a query's meaning is waited for; without it the words alone decide.
const PATIENCE: Duration = Duration::from_millis(35);
/// Flattens the difference between the first ranks.
const RANK_CONSTANT: f32 = 60.0;
/// Of each way as many are fused.
const CANDIDATES: usize = 400;
/// Below this cosine a meaning is another one.
const MIN_COSINE: f32 = 0.22;

/// What is searched.
#[derive(Clone, Debug)]
pub enum Scope {
    /// What can be called.
    Enabled,
    /// Everything of one source.
    Source(SourceId),
}

/// Which part of the results.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// How many come before.
    pub offset: usize,
    /// How many there are at most.
    pub limit: usize,
}

impl Window {
    /// Within bounds.
    pub fn new(offset: Option<u32>, limit: Option<u32>) -> Self {
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self { offset: offset.map_or(0, size), limit: limit.map_or(50, size).min(MAX_LIMIT) }
    }
}

/// Searches a catalogue; an empty query lists in order.
///
/// # Errors
/// The query is too long, or there is no such source.
pub async fn search(
    snapshot: Arc<Snapshot>,
    engine: &Engine,
    scope: &Scope,
    query: &str,
    window: Window,
) -> Result<OperationPage, Problem> {
    let began = Instant::now();
    let query = query.trim().to_owned();
    if query.len() > QUERY_BYTES {
        let title = format!("The search has more than {QUERY_BYTES} characters.");
        return Err(Problem::new(ProblemCode::BadRequest, title, "Use fewer words."));
    }
    let shelves: Vec<Arc<Shelf>> = match scope {
        Scope::Enabled => snapshot.shelves().filter(|shelf| shelf.enabled).cloned().collect(),
        Scope::Source(id) => vec![snapshot.shelf(id).cloned().ok_or_else(|| {
            Problem::new(ProblemCode::NotFound, format!("There is no source {id}."), "Reload the list.")
        })?],
    };
    let meaning = if query.is_empty() || !shelves.iter().any(|shelf| shelf.version.meanings.get().is_some()) {
        None
    } else {
        match tokio::time::timeout(PATIENCE, engine.embed_soon(vec![query.clone()])).await {
            Ok(Ok(vectors)) => vectors.first().map(|vector| meaning::quantised(vector)),
            Ok(Err(_)) | Err(_) => None,
        }
    };
    let all = matches!(scope, Scope::Source(_));
    let work = move || page(&shelves, &query, meaning.as_deref(), all, window);
    let mut page = tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a search failed");
        Problem::new(
            ProblemCode::Internal,
            "MTOR made a mistake while it searched.",
            "The realm's log says more.",
        )
    })?;
    page.elapsed_ms = began.elapsed().as_secs_f32() * 1e3;
    Ok(page)
}

type Place = (usize, usize);

fn page(
    shelves: &[Arc<Shelf>],
    query: &str,
    meaning: Option<&[i8]>,
    all: bool,
    window: Window,
) -> OperationPage {
    let shown = |(shelf, number): Place| -> bool {
        all || shelves[shelf].version.at(number).is_some_and(|found| shelves[shelf].offers(&found.id))
    };
    if query.is_empty() {
        let places =
            shelves.iter().enumerate().flat_map(|(at, shelf)| (0..shelf.version.len()).map(move |n| (at, n)));
        let places: Vec<(Place, Option<f32>)> =
            places.filter(|place| shown(*place)).map(|place| (place, None)).collect();
        return lines(shelves, &places, window, false);
    }
    let indices: Vec<&words::Index> = shelves.iter().map(|shelf| &shelf.version.words).collect();
    let by_words = words::scores(&indices, query);
    let by_words = ranked(by_words.iter().map(|list| list.iter().copied()), f32::MIN_POSITIVE, shown);
    let mut ways = vec![by_words];
    if let Some(meaning) = meaning {
        let cosines: Vec<Vec<f32>> = shelves
            .iter()
            .map(|shelf| shelf.version.meanings.get().map(|known| known.cosines(meaning).collect()))
            .map(Option::unwrap_or_default)
            .collect();
        ways.push(ranked(cosines.iter().map(|list| list.iter().copied()), MIN_COSINE, shown));
    }
    let best = ways.len() as f32 / (RANK_CONSTANT + 1.0);
    let mut fused: HashMap<Place, f32> = HashMap::new();
    for way in &ways {
        for (rank, place) in way.iter().enumerate() {
            *fused.entry(*place).or_default() += 1.0 / (RANK_CONSTANT + 1.0 + rank as f32) / best;
        }
    }
    let mut places: Vec<(Place, Option<f32>)> =
        fused.into_iter().map(|(place, score)| (place, Some(score))).collect();
    places.sort_by(|(a, x), (b, y)| y.unwrap_or(0.0).total_cmp(&x.unwrap_or(0.0)).then(a.cmp(b)));
    lines(shelves, &places, window, ways.len() > 1)
}

/// The places with the best scores, best first.
fn ranked<S>(scores: impl Iterator<Item = S>, at_least: f32, shown: impl Fn(Place) -> bool) -> Vec<Place>
where
    S: Iterator<Item = f32>,
{
    let mut found: Vec<(Place, f32)> = scores
        .enumerate()
        .flat_map(|(shelf, list)| list.enumerate().map(move |(number, score)| ((shelf, number), score)))
        .filter(|(place, score)| *score >= at_least && shown(*place))
        .collect();
    let order = |(place, score): &(Place, f32)| (Reverse(score.to_bits()), *place);
    if found.len() > CANDIDATES {
        found.select_nth_unstable_by_key(CANDIDATES, order);
        found.truncate(CANDIDATES);
    }
    // Scores are positive, so their bits are in their order.
    found.sort_unstable_by_key(order);
    found.into_iter().map(|(place, _)| place).collect()
}

fn lines(
    shelves: &[Arc<Shelf>],
    places: &[(Place, Option<f32>)],
    window: Window,
    by_meaning: bool,
) -> OperationPage {
    let operations = places
        .iter()
        .skip(window.offset)
        .take(window.limit)
        .filter_map(|((shelf, number), score)| {
            let shelf = &shelves[*shelf];
            let offered = shelf.offers(&shelf.version.at(*number)?.id);
            let mut line = shelf.version.line(*number, offered)?;
            line.score = *score;
            Some(line)
        })
        .collect();
    let total = u32::try_from(places.len()).unwrap_or(u32::MAX);
    OperationPage { operations, total, elapsed_ms: 0.0, by_meaning }
}
