//! How often intents find their capability, on sentences that are no examples of any.

use std::collections::BTreeMap;

use mtor_inference::{Embedder, models_folder};
use mtor_shared::{
    catalogue::{Catalogue, CatalogueVectors},
    engine::BackendPreference,
    model::{EMBEDDER, ModelId},
    problem::Problem,
    route::{Decision, Method, decide, rank_by_meaning, rank_lexical},
    slots::Example,
};
use serde::Deserialize;

/// `fixtures/utterances.json`: sentences with the capability that they ask for, or none.
#[derive(Deserialize)]
pub(crate) struct Utterances {
    /// What thresholds are chosen on.
    pub(crate) development: Vec<(String, Option<String>)>,
    /// What is reported.
    pub(crate) evaluation: Vec<(String, Option<String>)>,
}

impl Utterances {
    /// Reads them.
    pub(crate) fn load() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("../fixtures/utterances.json"))
    }
}

/// What became of a set of sentences.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Sentences altogether.
    pub(crate) total: usize,
    /// Run by the right capability, or rightly left alone.
    pub(crate) right: usize,
    /// Asked about, the right one among the two.
    pub(crate) asked: usize,
    /// Expected and decided, with how often.
    pub(crate) confusion: BTreeMap<(String, String), usize>,
    /// Sentences that went wrong, with what was decided.
    pub(crate) wrong: Vec<(String, String)>,
}

/// The pilots and the vectors of their examples.
pub(crate) struct Router {
    pub(crate) catalogue: Catalogue,
    vectors: CatalogueVectors,
    embedder: Embedder,
}

impl Router {
    /// Compiles the pilots and embeds their examples on the CPU.
    pub(crate) async fn load() -> Result<Self, Problem> {
        let mut catalogue = Catalogue::default();
        for pilot in mtor_federation::pilots::all() {
            let mut compiled = mtor_federation::compile(pilot.id, pilot.document, Some(pilot.overlay))
                .map_err(|error| {
                    Problem::new(mtor_shared::problem::ProblemCode::Internal, error.to_string(), "")
                })?;
            catalogue.capabilities.extend(compiled.capabilities().cloned());
            catalogue.background.append(&mut compiled.background);
        }
        let mut embedder = Embedder::load(&models_folder(), BackendPreference::Cpu).await?;
        let mut vectors = CatalogueVectors {
            model: ModelId(EMBEDDER.into()),
            examples: Vec::new(),
            background: Vec::new(),
        };
        for capability in catalogue.capabilities.iter().filter(|capability| !capability.examples.is_empty()) {
            let sentences: Vec<String> = capability.examples.iter().map(Example::sentence).collect();
            let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
            vectors.examples.push((capability.id.clone(), embedder.embed(&sentences).await?));
        }
        let background: Vec<&str> = catalogue.background.iter().map(String::as_str).collect();
        vectors.background = embedder.embed(&background).await?;
        Ok(Self { catalogue, vectors, embedder })
    }

    /// Routes every sentence.
    pub(crate) async fn route(
        &mut self,
        method: Method,
        sentences: &[(String, Option<String>)],
    ) -> Result<Outcome, Problem> {
        let mut outcome = Outcome { total: sentences.len(), ..Outcome::default() };
        for (text, expected) in sentences {
            let ranking = match method {
                Method::Lexical => rank_lexical(text, &self.catalogue),
                Method::Meaning | Method::Chosen => {
                    let intent = self.embedder.embed(&[text]).await?.concat();
                    rank_by_meaning(text, &intent, &self.catalogue, &self.vectors)
                }
            };
            let expected = expected.as_deref().unwrap_or("none of these");
            let decided = match decide(&ranking) {
                Decision::Run { capability, .. } => capability.0,
                Decision::Unknown => "none of these".to_owned(),
                Decision::Ask { candidates } => {
                    outcome.asked +=
                        usize::from(candidates.iter().any(|known| known.capability.0 == expected));
                    "asks".to_owned()
                }
            };
            if decided == expected {
                outcome.right += 1;
            } else {
                outcome.wrong.push((text.clone(), decided.clone()));
            }
            *outcome.confusion.entry((expected.to_owned(), decided)).or_default() += 1;
        }
        Ok(outcome)
    }
}
