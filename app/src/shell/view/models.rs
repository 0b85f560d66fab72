//! What is drawn of models on this device.

use mtor_shared::{
    engine::{Backend, LoadPhase},
    model::{EMBEDDER, Model as Listed, ModelId, Source, Task},
    problem::Problem,
};

use super::{
    backend,
    format::{bytes, seconds},
};
use crate::shell::{
    model::{EngineState, Model},
    models::{Brought, Load, Measuring, Persistence, Speed},
};

/// A model with how it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Which.
    pub id: ModelId,
    /// Its name.
    pub title: String,
    /// What it is good for.
    pub what: String,
    /// What it does in MTOR.
    pub task: &'static str,
    /// Names and values.
    pub facts: Vec<(&'static str, String)>,
    /// Where it comes from: words and an address.
    pub home: Option<(String, String)>,
    /// How it stands.
    pub state: CardState,
    /// Whether this machine can run it.
    pub verdict: String,
}

/// How a model stands.
#[derive(Clone, Debug, PartialEq)]
pub enum CardState {
    /// Nothing of it is here.
    Absent {
        /// The words on the button.
        verb: String,
        /// Why it cannot be fetched now.
        hindrance: Option<String>,
    },
    /// A part of it is here.
    Partial {
        /// How much.
        words: String,
        /// From 0 to 1.
        share: f64,
    },
    /// It is on its way.
    Going {
        /// How far.
        words: String,
        /// From 0 to 1, where it is known.
        share: Option<f64>,
        /// Whether it can be paused.
        can_pause: bool,
    },
    /// It is on this device, and not in memory.
    Stored(String),
    /// It answers.
    Loaded {
        /// How much memory.
        words: String,
        /// Whether it can be taken out of memory: what routing needs stays.
        can_unload: bool,
    },
    /// It did not come.
    Failed(Problem),
    /// It goes in a moment.
    Leaving,
}

impl CardState {
    /// The same without what changes while bytes come.
    pub fn shape(self) -> Self {
        match self {
            Self::Going { can_pause, .. } => Self::Going { words: String::new(), share: None, can_pause },
            other => other,
        }
    }
}

/// How far a load is: words, and from 0 to 1 where it is known.
pub fn going(load: &Load) -> (String, Option<f64>) {
    match load {
        Load::Asked => ("one moment".to_owned(), None),
        Load::Elsewhere => ("another tab uses the memory; this one is next".to_owned(), None),
        Load::Going(progress) => {
            let (done, total) = (bytes(progress.done_bytes), bytes(progress.total_bytes));
            let share =
                (progress.total_bytes > 0).then(|| progress.done_bytes as f64 / progress.total_bytes as f64);
            let words = match progress.phase {
                LoadPhase::Download => {
                    let speed = progress.bytes_per_s.map(|speed| format!(" · {}/s", bytes(speed as u64)));
                    let left = progress.seconds_left.map(|left| format!(" · {} left", seconds(left)));
                    format!("{done} of {total}{}{}", speed.unwrap_or_default(), left.unwrap_or_default())
                }
                LoadPhase::Verify => format!("checking {total}"),
                LoadPhase::Upload => format!("loading {total}"),
                LoadPhase::WarmUp => "warming up".to_owned(),
            };
            (words, share)
        }
        Load::Loaded { .. } | Load::Paused | Load::Failed(_) => (String::new(), None),
    }
}

/// Every model, those that MTOR needs first.
pub fn cards(model: &Model) -> Vec<Card> {
    let listed = mtor_shared::model::manifest().iter().chain(&model.shelf.own);
    // What a tab runs by now; the realm's own machine runs all of them.
    listed
        .filter(|listed| matches!(listed.task, Task::Embed | Task::Generate))
        .map(|listed| card(model, listed))
        .collect()
}

fn card(model: &Model, listed: &Listed) -> Card {
    let (title, what) = match listed.title.split_once(" (") {
        Some((title, what)) => (title.to_owned(), capitalised(what.trim_end_matches(')'))),
        None => (listed.title.clone(), String::new()),
    };
    let task = match listed.task {
        Task::Embed => "Finds what answers your question",
        Task::Generate if listed.id.0 == mtor_shared::model::CHAT => "Answers in Chat",
        Task::Generate => "Goes on with a text; can be chosen in a conversation",
        Task::Transcribe => "Writes down what is said",
        Task::DetectSpeech => "Hears whether somebody speaks",
        Task::Speak => "Reads answers aloud",
        Task::Read => "Reads writing in pictures",
        Task::Classify => "Names what a picture shows",
        Task::Detect => "Finds things in pictures",
    };
    let is_own = model.shelf.own.iter().any(|own| own.id == listed.id);
    let licence = listed
        .licence
        .strip_prefix("LicenseRef-")
        .map_or_else(|| listed.licence.clone(), |name| format!("{name} terms of use"));
    let mut facts = vec![("Size", bytes(listed.bytes()))];
    if !listed.licence.is_empty() {
        facts.push(("Licence", licence));
    }
    facts.push(("Needs", needs(listed)));
    if is_own {
        facts.push(("From", "your own file".to_owned()));
    }
    Card {
        id: listed.id.clone(),
        title,
        what,
        task,
        facts,
        home: home(listed),
        state: state(model, listed),
        verdict: verdict(model, listed),
    }
}

fn capitalised(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn needs(listed: &Listed) -> String {
    let memory = bytes(listed.bytes() + listed.bytes() / 5 + 60_000_000);
    format!("WebAssembly SIMD, about {memory} of memory; faster with WebGPU")
}

/// The page of the model: the first address among its sources, up to where the files begin.
fn home(listed: &Listed) -> Option<(String, String)> {
    let mut sources = listed.files.iter().flat_map(|file| &file.sources);
    sources.find_map(|source| {
        let Source::Url { url } = source else { return None };
        let page = url.split("/resolve/").next().unwrap_or(url);
        let name = page.trim_start_matches("https://").split('/').skip(1).collect::<Vec<_>>().join("/");
        Some((name, page.to_owned()))
    })
}

fn state(model: &Model, listed: &Listed) -> CardState {
    let (shelf, id, total) = (&model.shelf, &listed.id, listed.bytes());
    if shelf.removed.as_ref().is_some_and(|(_, removed)| removed == id) {
        return CardState::Leaving;
    }
    let presence = shelf.presence(id);
    match shelf.loads.get(id) {
        Some(load @ (Load::Asked | Load::Going(_) | Load::Elsewhere)) => {
            let (words, share) = going(load);
            let is_download = matches!(load, Load::Going(progress) if progress.phase == LoadPhase::Download);
            return CardState::Going { words, share, can_pause: is_download };
        }
        Some(Load::Failed(problem)) => return CardState::Failed(problem.clone()),
        Some(Load::Loaded { times, .. }) => {
            let memory = presence.and_then(|known| known.loaded_bytes);
            let took = (times.verify_ms + times.upload_ms + times.warm_up_ms) / 1000.0;
            let words = match memory {
                Some(memory) => format!("Ready: {} in memory, loaded in {}", bytes(memory), seconds(took)),
                None => format!("Ready, loaded in {}", seconds(took)),
            };
            return CardState::Loaded { words, can_unload: id.0 != EMBEDDER };
        }
        Some(Load::Paused) | None => {}
    }
    match presence {
        Some(known) if known.is_complete => {
            CardState::Stored(format!("On this device: {}", bytes(known.stored_bytes)))
        }
        Some(known) if known.stored_bytes > 0 => CardState::Partial {
            words: format!("{} of {} are here", bytes(known.stored_bytes), bytes(total)),
            share: known.stored_bytes as f64 / total.max(1) as f64,
        },
        _ => CardState::Absent {
            verb: format!("Download {}", bytes(total)),
            hindrance: hindrance(model, total),
        },
    }
}

/// Why a model of that size cannot be fetched now.
fn hindrance(model: &Model, total: u64) -> Option<String> {
    let survey = model.shelf.survey.as_ref()?;
    let room = survey.quota_bytes?.saturating_sub(survey.used_bytes?);
    (room < total).then(|| {
        format!(
            "There is room for {} here, and it takes {}. Delete something first.",
            bytes(room),
            bytes(total)
        )
    })
}

/// Whether this machine can run it, in words.
fn verdict(model: &Model, listed: &Listed) -> String {
    if listed.task == Task::Embed {
        return "Runs on any machine.".to_owned();
    }
    match &model.settings.speed {
        None => String::new(),
        Some(speed) => expectation(speed, listed.bytes()),
    }
}

/// How a model of that size feels on this machine.
pub fn expectation(speed: &Speed, model_bytes: u64) -> String {
    let per_s = speed.tokens_per_s(model_bytes);
    let rate = if per_s < 10.0 { format!("{per_s:.1}") } else { format!("{per_s:.0}") };
    let feel = match per_s {
        _ if per_s >= 20.0 => "faster than anybody reads",
        _ if per_s >= 7.0 => "about as fast as one reads",
        _ if per_s >= 3.0 => "slower than one reads, and of use",
        _ if per_s >= 1.0 => "slow: a sentence takes a while",
        _ => "too slow to be of use",
    };
    format!("Expect about {rate} tokens a second on the {}: {feel}.", backend(speed.backend))
}

/// What stands above the models.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// What this machine computes with.
    pub machine: Vec<String>,
    /// What a measurement came to.
    pub measured: Option<String>,
    /// Whether one goes on.
    pub is_measuring: bool,
    /// Whether one can be made now.
    pub can_measure: bool,
    /// How much is stored.
    pub storage: String,
    /// From 0 to 1.
    pub share: Option<f64>,
    /// Whether the browser keeps it.
    pub persistence: &'static str,
    /// Whether it can be asked to.
    pub can_persist: bool,
}

/// What stands above the models.
pub fn overview(model: &Model) -> Overview {
    let machine = match &model.engine.state {
        EngineState::Resting | EngineState::Starting => vec!["The engine starts.".to_owned()],
        EngineState::Lost { problem, .. } => vec![problem.to_string()],
        state => state.device().map_or_else(Vec::new, |device| {
            let mut words = vec![device.reason.clone()];
            words.extend(device.adapter.as_ref().map(|adapter| format!("Adapter: {adapter}.")));
            words
        }),
    };
    let survey = model.shelf.survey.as_ref();
    let storage = match survey.map(|survey| (survey.used_bytes, survey.quota_bytes)) {
        Some((Some(used), Some(quota))) => format!("{} of {} used", bytes(used), bytes(quota)),
        Some((Some(used), None)) => format!("{} used", bytes(used)),
        Some((None, _)) => "The browser does not say how much is used.".to_owned(),
        None => "Looking.".to_owned(),
    };
    let share = survey.and_then(|survey| Some(survey.used_bytes? as f64 / survey.quota_bytes?.max(1) as f64));
    let (persistence, can_persist) = match model.shelf.persistence {
        Persistence::Unknown => ("", false),
        Persistence::Granted => ("The browser keeps it, also when it runs out of room.", false),
        Persistence::Refused => {
            ("The browser may delete it when it runs out of room; then it is downloaded again.", true)
        }
    };
    let measured = model.settings.speed.map(|speed| {
        let at = match speed.backend {
            Backend::Gpu => "GPU",
            Backend::Cpu => "CPU, one thread",
        };
        format!("{} of weights a second on the {at}", bytes(speed.bytes_per_s as u64))
    });
    let is_measuring = model.shelf.measuring == Measuring::Running;
    Overview {
        machine,
        measured,
        is_measuring,
        can_measure: !is_measuring && model.engine.state.device().is_some(),
        storage,
        share,
        persistence,
        can_persist,
    }
}

/// What became of the last file that was brought in: words, and whether it was taken.
pub fn brought(model: &Model) -> Option<Result<String, Problem>> {
    Some(match model.shelf.brought.as_ref()? {
        Brought::Reading { name, progress, .. } => Ok(match progress {
            None => format!("Reading {name} …"),
            Some(now) => {
                let doing = if now.phase == LoadPhase::Verify { "Reading" } else { "Copying" };
                format!("{doing} {name}: {} of {}", bytes(now.done_bytes), bytes(now.total_bytes))
            }
        }),
        Brought::Taken(words) => Ok(words.clone()),
        Brought::Refused(problem) => Err(problem.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(bytes_per_s: f64) -> Speed {
        Speed { backend: Backend::Cpu, bytes_per_s }
    }

    #[test]
    fn a_verdict_is_a_rate_and_what_it_feels_like() {
        let says = |bytes_per_s: f64| expectation(&speed(bytes_per_s), 500_000_000);
        assert_eq!(
            says(2.6e9),
            "Expect about 5.2 tokens a second on the CPU: slower than one reads, and of use."
        );
        assert!(says(1e11).contains("200 tokens") && says(1e11).contains("faster than anybody reads"));
        assert!(says(1e8).ends_with("too slow to be of use."));
    }

    #[test]
    fn what_there_is_no_room_for_is_said_before_it_is_fetched() {
        let mut model = Model::default();
        model.shelf.survey = Some(crate::shell::models::Survey {
            models: Vec::new(),
            used_bytes: Some(900_000_000),
            quota_bytes: Some(1_000_000_000),
        });
        let words = hindrance(&model, 491_400_064).expect("a hindrance");
        assert_eq!(words, "There is room for 100.0 MB here, and it takes 491.4 MB. Delete something first.");
        assert_eq!(hindrance(&model, 50_000_000), None);
    }

    #[test]
    fn a_model_leads_to_its_page() {
        let listed = mtor_shared::model::find(&ModelId(mtor_shared::model::CHAT.into())).expect("listed");
        let (name, page) = home(listed).expect("a page");
        assert_eq!(name, "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF");
        assert!(page.starts_with("https://") && page.ends_with(&name));
    }
}
