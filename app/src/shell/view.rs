//! What is drawn, worked out from the model without a browser: components only place it.

use mtor_shared::{
    capability::{CapabilityId, CardKind, SideEffect},
    engine::{Backend, LoadPhase},
    model::EMBEDDER,
    problem::Problem,
    receipt::{Exchange, RanAt, Receipt},
    stream::{RunStatus, StepState},
};
use serde_json::Value;

use super::chat::ConversationId;
use super::model::{
    Choice, EngineState, Entry, EntryId, Identity, Link, Model, RealmState, RoutedBy, Shared, Stage, Step,
    Storage, TellingState, WaitsFor,
};
use super::models::Load;

pub mod chat;
pub mod federation;
pub mod format;
pub mod models;
pub mod words;

use format::{bytes, percent, seconds};

/// What the one status light shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eye {
    /// Nothing goes on.
    Idle,
    /// Something goes on that the person waits for.
    Thinking,
    /// The realm cannot be reached.
    Offline,
    /// The person is asked for something.
    Attention,
}

impl Eye {
    /// The state in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "Ready",
            Self::Thinking => "Thinking",
            Self::Offline => "Offline",
            Self::Attention => "Needs you",
        }
    }
}

/// The status light.
pub fn eye(model: &Model) -> Eye {
    let offline = matches!(model.realm.state, RealmState::Unreachable { .. });
    match model.entries.last() {
        _ if offline => Eye::Offline,
        _ if model.entries.iter().rev().take(20).any(|entry| entry.is_busy()) => Eye::Thinking,
        _ if !model.chats.asked.is_empty() => Eye::Thinking,
        _ if model.tellings.iter().any(|telling| matches!(telling.state, TellingState::Asked(_))) => {
            Eye::Thinking
        }
        Some(last) if last.needs_person() => Eye::Attention,
        _ => Eye::Idle,
    }
}

/// A line of status with what is behind it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// A few words.
    pub brief: String,
    /// The whole story, a sentence each.
    pub story: Vec<String>,
    /// When something is tried again by itself, in milliseconds since 1970.
    pub retry_at_ms: Option<u64>,
    /// Whether a person can have it tried now.
    pub can_retry: bool,
    /// How far something is, from 0 to 1.
    pub progress: Option<f64>,
}

/// How the realm stands.
pub fn realm(model: &Model) -> Status {
    let name = model.catalogue.as_ref().map(|catalogue| catalogue.realm.clone());
    match &model.realm.state {
        RealmState::Connecting => Status { brief: "connecting".into(), ..Status::default() },
        RealmState::Online => {
            let offers = model.catalogue.as_ref().map_or(0, |catalogue| catalogue.capabilities.len());
            let noun = if offers == 1 { "capability" } else { "capabilities" };
            Status {
                brief: name.unwrap_or_else(|| "online".into()),
                story: vec![format!("The realm is reachable and offers {offers} {noun}.")],
                ..Status::default()
            }
        }
        RealmState::Unreachable { retry_at_ms, problem, .. } => Status {
            brief: "not reachable".into(),
            story: vec![problem.to_string()],
            retry_at_ms: Some(*retry_at_ms),
            can_retry: true,
            progress: None,
        },
    }
}

/// How the engine and its models stand: what is on its way comes first.
pub fn engine(model: &Model) -> Status {
    let mut status = router(model);
    if !matches!(model.engine.state, EngineState::Ready { .. } | EngineState::NoModel { .. }) {
        return status;
    }
    for (id, load) in model.shelf.loads.iter().filter(|(id, _)| id.0 != EMBEDDER) {
        let name = model.shelf.name(id);
        if load.is_going() {
            let (words, share) = models::going(load);
            status.brief = format!("{name}: {words}");
            status.progress = share;
        } else if matches!(load, Load::Loaded { .. }) {
            status.story.push(format!("{name} is in memory and answers in Chat."));
        }
    }
    status
}

/// How the engine stands with the model that routing needs.
fn router(model: &Model) -> Status {
    let words = "Until the language model is here, questions are understood by word match.".to_owned();
    match &model.engine.state {
        EngineState::Resting | EngineState::Starting => {
            Status { brief: "starting".into(), story: vec![words], ..Status::default() }
        }
        EngineState::Loading { device, progress } => {
            let brief = progress.as_ref().map_or_else(
                || "model: looking for it".to_owned(),
                |progress| {
                    let (done, total) = (bytes(progress.done_bytes), bytes(progress.total_bytes));
                    match progress.phase {
                        LoadPhase::Download => {
                            let speed =
                                progress.bytes_per_s.map(|speed| format!(" · {}/s", bytes(speed as u64)));
                            let left = progress.seconds_left.map(|left| format!(" · {} left", seconds(left)));
                            format!(
                                "model: {done} of {total}{}{}",
                                speed.unwrap_or_default(),
                                left.unwrap_or_default()
                            )
                        }
                        LoadPhase::Verify => format!("model: checking {total}"),
                        LoadPhase::Upload => format!("model: loading {total}"),
                        LoadPhase::WarmUp => "model: warming up".to_owned(),
                    }
                },
            );
            let share = progress.as_ref().filter(|progress| progress.total_bytes > 0);
            Status {
                brief,
                story: vec![device.reason.clone(), words],
                progress: share.map(|progress| progress.done_bytes as f64 / progress.total_bytes as f64),
                ..Status::default()
            }
        }
        EngineState::Ready { device, times, stored } => {
            let total = times.download_ms + times.verify_ms + times.upload_ms + times.warm_up_ms;
            let kept = if *stored {
                "The model is kept on this device for the next visit."
            } else {
                "The browser did not keep the model; the next visit fetches it again."
            };
            let mut story = vec![device.reason.clone()];
            story.extend(device.adapter.as_ref().map(|adapter| format!("Adapter: {adapter}.")));
            story.push(format!(
                "MiniLM understands questions here; loading it took {}.",
                seconds(total / 1000.0)
            ));
            story.push(kept.to_owned());
            Status { brief: format!("MiniLM on the {}", backend(device.backend)), story, ..Status::default() }
        }
        EngineState::NoModel { device, problem } => Status {
            brief: "no language model".into(),
            story: vec![problem.to_string(), device.reason.clone(), words],
            can_retry: true,
            ..Status::default()
        },
        EngineState::Lost { problem, restart_at_ms } => Status {
            brief: if restart_at_ms.is_some() { "restarting".into() } else { "off".into() },
            story: vec![problem.to_string(), words],
            retry_at_ms: *restart_at_ms,
            can_retry: true,
            progress: None,
        },
    }
}

pub(crate) fn backend(backend: Backend) -> &'static str {
    match backend {
        Backend::Gpu => "GPU",
        Backend::Cpu => "CPU",
    }
}

/// Who the person is, in words; the second is the whole name where there is one.
pub fn identity(model: &Model) -> (String, Option<String>) {
    match &model.identity {
        Identity::Opening => ("One moment.".into(), None),
        Identity::Ready(did) => (did.short(), Some(did.to_string())),
        Identity::Unavailable(problem) => (problem.to_string(), None),
    }
}

/// What a person should know about storage, if anything.
pub fn storage_notice(model: &Model) -> Option<String> {
    match &model.storage {
        Storage::Opening | Storage::Ready { unreadable: 0 } => None,
        Storage::Ready { unreadable: 1 } => {
            Some("One stored answer is of a form that this version cannot read.".into())
        }
        Storage::Ready { unreadable } => {
            Some(format!("{unreadable} stored answers are of a form that this version cannot read."))
        }
        Storage::Failed(problem) => Some(problem.to_string()),
    }
}

/// Sentences to begin with.
pub const FIRST: [&str; 3] =
    ["What's the weather in Lisbon?", "Who was Ada Lovelace?", "Books about the sea"];

/// Sentences to try: one for each capability, as the realm's own examples say it.
pub fn suggestions(model: &Model) -> Vec<String> {
    let capabilities = model.catalogue.iter().flat_map(|catalogue| &catalogue.capabilities);
    let examples = capabilities.filter_map(|capability| capability.examples.first());
    examples.map(|example| capitalised(&example.sentence())).collect()
}

fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// What the realm can do, one title each.
pub fn offers(model: &Model) -> Vec<String> {
    let capabilities = model.catalogue.iter().flat_map(|catalogue| &catalogue.capabilities);
    capabilities
        .filter(|capability| !capability.examples.is_empty())
        .map(|known| known.title.clone())
        .collect()
}

/// The body of a card.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// It is not known yet what answers.
    Routing {
        /// What is waited for.
        words: &'static str,
        /// When the realm is asked next, where that is what is waited for.
        retry_at_ms: Option<u64>,
    },
    /// The person chooses.
    Asking(Vec<(CapabilityId, String, String)>),
    /// Nothing answers it.
    Unknown {
        /// What the realm can do.
        offers: Vec<String>,
        /// Sentences to try.
        suggestions: Vec<String>,
    },
    /// Something was not said, or is to be checked: the form is shown.
    Missing {
        /// What answers.
        title: String,
        /// What is asked.
        words: &'static str,
        /// Whether there is a form; there is none until the realm has said what it takes.
        has_form: bool,
    },
    /// The person decides about words leaving.
    Consent {
        /// One sentence or two.
        sentence: String,
    },
    /// The person decides about something being changed.
    Confirm {
        /// One sentence or two.
        sentence: String,
        /// What the call is sent to do, as the words on the button.
        verb: &'static str,
    },
    /// The person said never.
    Refused {
        /// One sentence or two.
        sentence: String,
    },
    /// The realm is at it.
    Running {
        /// Steps with how far each is.
        steps: Vec<(String, Mark)>,
        /// The words so far.
        text: String,
        /// When it began.
        since_ms: u64,
        /// How its connection stands.
        line: Line,
        /// Whether it was told to stop.
        stopping: bool,
    },
    /// It ended after running.
    Over(Shared<Entry>),
    /// A model on this device answers, in a conversation.
    Told(ConversationId),
    /// Entries of their own answer it together.
    Joined(Vec<EntryId>),
    /// It ended before.
    Ended(Problem),
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Not begun.
    Waiting,
    /// At work, with so many failures so far.
    Running(u32),
    /// Done.
    Done,
}

/// How a run's connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Well.
    Open,
    /// Broken, tried again then.
    Broken {
        /// In milliseconds since 1970.
        retry_at_ms: u64,
        /// Whether the realm itself cannot be reached.
        realm_is_gone: bool,
    },
    /// Being opened again.
    Reopening,
}

/// The body of an entry's card.
pub fn body(model: &Model, id: &EntryId) -> Option<Body> {
    let entry = model.entry(id)?;
    let gone = match &model.realm.state {
        RealmState::Unreachable { retry_at_ms, .. } => Some(*retry_at_ms),
        RealmState::Connecting | RealmState::Online => None,
    };
    Some(match &entry.stage {
        Stage::Routing(WaitsFor::Catalogue { .. }) => {
            let words = if gone.is_some() { "The realm is not reachable." } else { "Waiting for the realm." };
            Body::Routing { words, retry_at_ms: gone }
        }
        Stage::Routing(WaitsFor::Embedding { .. }) => {
            Body::Routing { words: "Understanding this on your device.", retry_at_ms: None }
        }
        Stage::Routing(WaitsFor::Parts) => {
            Body::Routing { words: "The model on this device looks for what can help.", retry_at_ms: None }
        }
        Stage::Asking => {
            let candidates = entry.routing.iter().flat_map(|routing| &routing.candidates).take(2);
            let both = |known: &super::model::Considered| {
                (known.capability.clone(), known.title.clone(), known.nearest.clone())
            };
            Body::Asking(candidates.map(both).collect())
        }
        Stage::Unknown => Body::Unknown { offers: offers(model), suggestions: suggestions(model) },
        Stage::Chosen(choice, Step::Missing) => Body::Missing {
            title: choice.title.clone(),
            // Not by what is still missing: that changes while somebody types.
            words: match choice.fields.iter().filter(|field| field.required).count() {
                0 | 1 => "One more thing is needed to answer this.",
                _ => "Check what was understood, and fill in the rest.",
            },
            has_form: model.form(id).is_some(),
        },
        Stage::Chosen(choice, Step::Confirm) => Body::Confirm {
            sentence: format!("{} {}", told_sentence(choice), effect_sentence(choice)),
            verb: "Send",
        },
        Stage::Chosen(choice, Step::Consent) => Body::Consent { sentence: consent_sentence(choice) },
        Stage::Chosen(choice, Step::Refused) => Body::Refused {
            sentence: format!(
                "{} would answer this, and you said that no words go to {}. Nothing was sent.",
                choice.provider.name,
                listed(&choice.provider.hosts)
            ),
        },
        Stage::Chosen(_, Step::Running { run, since_ms, link, stopping, .. }) => {
            let mark = |state: &StepState| match state {
                StepState::Waiting => Mark::Waiting,
                StepState::Running { retries } => Mark::Running(*retries),
                StepState::Done { .. } => Mark::Done,
            };
            let line = match link {
                Link::Open => Line::Open,
                Link::Lost { retry_at_ms, .. } => {
                    Line::Broken { retry_at_ms: *retry_at_ms, realm_is_gone: gone.is_some() }
                }
                Link::Reopening { .. } => Line::Reopening,
            };
            Body::Running {
                steps: run.steps.iter().map(|(info, state)| (info.title.clone(), mark(state))).collect(),
                text: run.text.clone(),
                since_ms: *since_ms,
                line,
                stopping: *stopping,
            }
        }
        Stage::Chosen(_, Step::Over { .. }) => Body::Over(entry.clone()),
        Stage::Told(id) => Body::Told(id.clone()),
        Stage::Joined(parts) => Body::Joined(parts.clone()),
        Stage::Ended(problem) => Body::Ended(problem.clone()),
    })
}

/// What is asked before words leave for the first time.
fn consent_sentence(choice: &Choice) -> String {
    match choice.effect {
        SideEffect::Read => told_sentence(choice),
        SideEffect::Write | SideEffect::Irreversible => {
            format!("{} {}", told_sentence(choice), effect_sentence(choice))
        }
    }
}

fn told_sentence(choice: &Choice) -> String {
    let values: Vec<String> =
        choice.args.values().map(|value| format!("“{}”", short(&plain(value)))).collect();
    let hosts = listed(&choice.provider.hosts);
    let name = &choice.provider.name;
    if values.is_empty() {
        format!("{name} answers this. The realm asks {hosts}; none of your words go there.")
    } else {
        format!("{name} answers this. Your words {} go to {hosts} through the realm.", listed(&values))
    }
}

fn effect_sentence(choice: &Choice) -> &'static str {
    match choice.effect {
        SideEffect::Read => "It only reads.",
        SideEffect::Write => "It changes something there.",
        SideEffect::Irreversible => "It changes something there, and that cannot be undone.",
    }
}

/// The beginning of what is too long for a sentence.
fn short(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// A value as a person would write it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What stands under an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceiptView {
    /// The one line, piece by piece.
    pub line: Vec<String>,
    /// How the words were understood.
    pub understood: String,
    /// What else was considered: title, how well it fits, the example that comes nearest.
    pub considered: Vec<(String, String, String)>,
    /// What was told: name and value.
    pub sent: Vec<(String, String)>,
    /// Requests as they were made.
    pub exchanges: Vec<Exchange>,
    /// Words that the provider wants shown.
    pub attribution: Option<String>,
    /// Where one reads about the provider.
    pub home: Option<String>,
    /// Where the words went.
    pub went: String,
}

/// The receipt of an entry that ran.
pub fn receipt(entry: &Entry) -> Option<ReceiptView> {
    let Stage::Chosen(choice, Step::Over { run }) = &entry.stage else { return None };
    let confidence = entry.routing.as_ref().and_then(|routing| routing.confidence);
    let sure = match confidence {
        _ if choice.by_person => Some("chosen by you".to_owned()),
        confidence => confidence.map(|sure| format!("{} sure", percent(sure))),
    };
    let (line, exchanges, attribution, went) = match &run.status {
        RunStatus::Finished { receipt } => {
            let mut line = vec![receipt.who.clone(), place(receipt).to_owned()];
            line.push(format!("{} ms", receipt.elapsed_ms));
            line.push(format::credits(receipt.cost_micro));
            let went = match &receipt.ran_at {
                RanAt::Device => "Nothing left this device.".to_owned(),
                RanAt::Realm => "Your words went to the realm, no further.".to_owned(),
                RanAt::Federated { hosts } => {
                    format!("Your words went through the realm to {}.", listed(hosts))
                }
            };
            (line, receipt.exchanges.clone(), receipt.attribution.clone(), went)
        }
        RunStatus::Failed { exchanges, .. } => {
            let went = match exchanges.as_slice() {
                [] => "Nothing is known to have left the realm.".to_owned(),
                _ => "What was sent is listed below.".to_owned(),
            };
            (vec![choice.provider.name.clone()], exchanges.clone(), None, went)
        }
        RunStatus::Waiting | RunStatus::Running => return None,
    };
    let routing = entry.routing.as_ref();
    let considered = routing.iter().flat_map(|routing| &routing.candidates).take(6);
    Some(ReceiptView {
        line: line.into_iter().chain(sure).collect(),
        understood: understood(routing.map(|routing| routing.by), choice.by_person),
        considered: considered
            .map(|known| (known.title.clone(), format!("{:.2}", known.score), known.nearest.clone()))
            .collect(),
        sent: choice.args.iter().map(|(name, value)| (title_of(choice, name), plain(value))).collect(),
        exchanges,
        attribution: attribution.or_else(|| choice.provider.attribution.clone()),
        home: choice.provider.home.clone().filter(|home| home.starts_with("https://")),
        went,
    })
}

/// A result as it came, where the card shows it in a shape of its own.
pub fn data(entry: &Entry) -> Option<String> {
    let (value, card) = entry.run()?.result()?;
    (card != CardKind::Data).then(|| serde_json::to_string_pretty(value).unwrap_or_default())
}

fn title_of(choice: &Choice, name: &str) -> String {
    choice.fields.iter().find(|field| field.name == name).map_or(name, |field| &field.title).to_owned()
}

fn place(receipt: &Receipt) -> &'static str {
    match receipt.ran_at {
        RanAt::Device => "on this device",
        RanAt::Realm => "in the realm",
        RanAt::Federated { .. } => "through the realm",
    }
}

fn understood(by: Option<RoutedBy>, by_person: bool) -> String {
    let how = match by {
        None => return "You chose what answers.".to_owned(),
        Some(RoutedBy::WordMatch) => "Understood by word match.".to_owned(),
        Some(RoutedBy::LanguageModel) => {
            "A language model on this device chose it as a part of the answer.".to_owned()
        }
        Some(RoutedBy::Model { backend: at, elapsed_ms }) => {
            format!("Understood on this device by MiniLM, in {elapsed_ms:.0} ms on the {}.", backend(at))
        }
    };
    if by_person { format!("{how} You chose what answers.") } else { how }
}
