//! The shell's behaviour, without a browser.

mod chatting;
mod consent;
mod device;
mod federation;
mod joining;
mod keeping;
mod prompting;
mod reading;
mod running;

use mtor_shared::{
    capability::{Capability, CardKind, Provider, Residency, SideEffect},
    catalogue::{Catalogue, CatalogueVectors},
    engine::{Backend, Event as EngineEvent, JobId, LoadTimes},
    model::{EMBEDDER, ModelId},
    plan::StepId,
    problem::{Problem, ProblemCode},
    receipt::{RanAt, Receipt},
    run::{RunId, RunRequest},
    slots::Example,
    stream::{Chunk, ChunkBody, Delta, StepInfo},
};
use serde_json::json;

use super::*;
use crate::shell::{
    effect::OpenRun,
    event::{Decided, FormOf, RealmEvent, RunNews},
    form::Change,
    model::{Link, RealmState, Standing, Step},
    view,
};

/// A shell with a clock and dice of its own.
struct Desk {
    model: Model,
    at_ms: u64,
    turns: u8,
}

impl Desk {
    /// Opened, storage read, the realm not heard of yet.
    fn opened() -> Self {
        let mut desk = Self { model: Model::default(), at_ms: 1_000_000, turns: 0 };
        desk.does(Event::Opened {
            draft: String::new(),
            preference: Default::default(),
            fragment: String::new(),
            description: String::new(),
        });
        desk.does(Event::StorageRead { entries: vec![], settings: Default::default(), unreadable: 0 });
        desk
    }

    /// And the realm answered.
    fn online() -> Self {
        let mut desk = Self::opened();
        desk.realm_answers();
        desk
    }

    /// And nothing asks for consent any more.
    fn trusting() -> Self {
        let mut desk = Self::online();
        for capability in catalogue().capabilities {
            let mut hosts = capability.provider.hosts;
            hosts.sort();
            desk.model.settings.standing.insert(hosts.join(","), Standing::Always);
        }
        desk
    }

    /// And the model is loaded and its vectors are here.
    fn with_model() -> Self {
        let mut desk = Self::trusting();
        desk.does(Event::Idle);
        desk.engine(EngineEvent::Ready { backend: Backend::Cpu, adapter: None, reason: "No GPU.".into() });
        desk.engine(EngineEvent::Loaded { model: embedder(), times: LoadTimes::default(), stored: true });
        desk.does(Event::Realm(RealmEvent::Vectors(Ok(vectors()))));
        desk
    }

    fn does(&mut self, event: Event) -> Vec<Effect> {
        self.turns += 1;
        update(&mut self.model, Stamp { at_ms: self.at_ms, ahead_min: 60, random: [self.turns; 16] }, event)
    }

    fn person(&mut self, person: Person) -> Vec<Effect> {
        self.does(Event::Person(person))
    }

    fn engine(&mut self, event: EngineEvent) -> Vec<Effect> {
        let generation = self.model.engine.generation;
        self.does(Event::Engine { generation, event })
    }

    fn asks(&mut self, words: &str) -> Vec<Effect> {
        self.at_ms += 1;
        self.person(Person::Typed(words.into()));
        self.person(Person::Submitted)
    }

    fn realm_answers(&mut self) -> Vec<Effect> {
        let ask = self.model.realm.asks;
        self.does(Event::Realm(RealmEvent::Catalogue { ask, result: Ok(catalogue()) }))
    }

    fn realm_fails(&mut self) -> Vec<Effect> {
        let ask = self.model.realm.asks;
        let problem = Problem::retryable(ProblemCode::Offline, "Gone.", "");
        self.does(Event::Realm(RealmEvent::Catalogue { ask, result: Err(problem) }))
    }

    fn last(&self) -> &Entry {
        self.model.entries.last().expect("an entry")
    }

    fn id(&self) -> EntryId {
        self.last().id.clone()
    }

    fn run(&self) -> RunId {
        self.last().run().expect("a run").id.clone()
    }

    fn connection(&self) -> u32 {
        match &self.last().stage {
            Stage::Chosen(_, Step::Running { connection, .. }) => *connection,
            other => panic!("running, not {other:?}"),
        }
    }

    fn link(&self) -> &Link {
        match &self.last().stage {
            Stage::Chosen(_, Step::Running { link, .. }) => link,
            other => panic!("running, not {other:?}"),
        }
    }

    fn news(&mut self, news: RunNews) -> Vec<Effect> {
        let (run, connection) = (self.run(), self.connection());
        self.does(Event::Run { run, connection, news })
    }

    fn chunk(&mut self, seq: u32, body: ChunkBody) -> Vec<Effect> {
        let chunk = Chunk { run: self.run(), seq, body };
        self.news(RunNews::Chunk(Box::new(chunk)))
    }

    fn is_over(&self) -> bool {
        matches!(self.last().stage, Stage::Chosen(_, Step::Over { .. }))
    }
}

fn embedder() -> ModelId {
    ModelId(EMBEDDER.into())
}

fn capability(id: &str, title: &str, host: &str, slot: &str, examples: &[&str]) -> Capability {
    Capability {
        id: id.into(),
        title: title.into(),
        summary: String::new(),
        provider: Provider {
            name: format!("{title} people"),
            hosts: vec![host.into()],
            home: None,
            attribution: None,
        },
        input: json!({"type": "object", "properties": {slot: {"type": "string", "title": "Which"}}, "required": [slot]}),
        output: json!({}),
        side_effect: SideEffect::Read,
        residency: Residency::Provider,
        examples: examples
            .iter()
            .map(|text| Example::try_from((*text).to_owned()).expect("an example"))
            .collect(),
        card: CardKind::Data,
        objective_ms: None,
        price_micro: 0,
        plan: None,
    }
}

fn catalogue() -> Catalogue {
    let weather = ["what's the weather in {place=Lisbon}", "weather forecast for {place=Porto}"];
    let person = ["who was {title=Ada Lovelace}", "who is {title=Alan Turing}"];
    Catalogue {
        realm: "Test".into(),
        capabilities: vec![
            capability("meteo/forecast", "Weather", "meteo.example", "place", &weather),
            capability("wiki/summary", "Encyclopedia", "wiki.example", "title", &person),
        ],
        background: vec!["tell me a joke".into()],
    }
}

/// Weather points one way, people another, the background a third.
fn vectors() -> CatalogueVectors {
    CatalogueVectors {
        model: embedder(),
        examples: vec![
            ("meteo/forecast".into(), vec![vec![1.0, 0.0, 0.0]; 2]),
            ("wiki/summary".into(), vec![vec![0.0, 1.0, 0.0]; 2]),
        ],
        background: vec![vec![0.0, 0.0, 1.0]],
    }
}

fn started() -> ChunkBody {
    let step = |id: &str| StepInfo { id: StepId(id.into()), title: id.into(), provider: "P".into() };
    ChunkBody::Started { steps: vec![step("call")] }
}

fn output() -> ChunkBody {
    let delta =
        Delta::StepFinished { step: StepId("call".into()), output: json!({"a": 1}), card: CardKind::Data };
    ChunkBody::Delta { delta }
}

fn finished() -> ChunkBody {
    let receipt = Receipt {
        who: "P".into(),
        ran_at: RanAt::Federated { hosts: vec!["meteo.example".into()] },
        started_at_ms: 0,
        elapsed_ms: 212,
        cost_micro: 0,
        exchanges: vec![],
        attribution: None,
    };
    ChunkBody::Finished { receipt }
}

/// The connections that are opened.
fn opened(effects: &[Effect]) -> Vec<(u32, OpenRun)> {
    let open = |effect: &Effect| match effect {
        Effect::OpenRun { connection, open } => Some((*connection, open.clone())),
        _ => None,
    };
    effects.iter().filter_map(open).collect()
}

/// The one run that is asked for.
fn asked_for(effects: &[Effect]) -> RunRequest {
    match opened(effects).as_slice() {
        [(0, OpenRun::Ask(request))] => request.clone(),
        other => panic!("one run is asked for, not {other:?}"),
    }
}

fn embedding(effects: &[Effect]) -> Option<JobId> {
    effects.iter().find_map(|effect| match effect {
        Effect::TellEngine(mtor_shared::engine::Command::Embed { job, .. }) => Some(*job),
        _ => None,
    })
}
