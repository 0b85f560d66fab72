//! What a model on this device makes of results.

use mtor_shared::{generation::End, model::CHAT, model::ModelId, problem::Problem};

use super::{
    backend,
    format::{bytes, seconds},
    models,
};
use crate::shell::{
    model::{EntryId, Model, TellingState, Words},
    update::telling,
};

/// Results in words, or the way there.
#[derive(Clone, Debug, PartialEq)]
pub enum WordsView {
    /// A person may have them; what that downloads first, where it does.
    Offer(Option<String>),
    /// They are on their way: what goes on, and from 0 to 1 where it is known.
    Coming(String, Option<f64>),
    /// The model writes.
    Writing(String),
    /// The words, and what stands under them.
    Over(String, String),
    /// They did not come.
    Failed(Problem),
}

/// The words of an entry; none where it has no results, or is a part of another.
pub fn words(model: &Model, id: &EntryId) -> Option<WordsView> {
    let entry = model.entry(id)?;
    if entry.part_of.is_some() {
        return None;
    }
    if let Some(telling) = model.tellings.iter().find(|telling| telling.entry == *id) {
        return Some(match &telling.state {
            TellingState::Waiting => {
                let load = model.shelf.loads.get(&telling.by);
                let (words, share) = load.map(models::going).unwrap_or_default();
                let name = model.shelf.name(&telling.by);
                let words = if words.is_empty() { "one moment".to_owned() } else { words };
                WordsView::Coming(format!("{name}: {words}"), share)
            }
            TellingState::Asked(_) if telling.text.trim().is_empty() => {
                WordsView::Coming("Reading the data.".to_owned(), None)
            }
            TellingState::Asked(_) => WordsView::Writing(telling.text.trim_start().to_owned()),
            TellingState::Failed(problem) => WordsView::Failed(problem.clone()),
        });
    }
    if let Some(words) = &entry.words {
        return Some(WordsView::Over(words.text.clone(), note(model, words)));
    }
    if telling::data(model, entry).is_empty() {
        return None;
    }
    let by = ModelId(CHAT.to_owned());
    let is_here = model.shelf.is_stored(&by) || model.shelf.is_loaded(&by);
    let listed = model.shelf.find(&by).filter(|_| !is_here);
    Some(WordsView::Offer(listed.map(|listed| bytes(listed.bytes()))))
}

/// The receipt of words: who, where, from what, how long.
fn note(model: &Model, words: &Words) -> String {
    let Words { by, usage, end, .. } = words;
    let took = seconds((usage.first_token_ms + usage.rest_ms) / 1000.0);
    let cut = match end {
        End::Complete | End::StopString => "",
        End::MaxTokens | End::Context => " It is cut off.",
        End::Stopped => " It was stopped.",
    };
    format!(
        "{} wrote this on the {} of this device in {took}, from the data below alone. It can be wrong.{cut}",
        model.shelf.name(by),
        backend(usage.backend)
    )
}
