//! Models on this device: what is stored, what is on its way, what the machine can run.

use std::collections::BTreeMap;

use mtor_shared::{
    engine::{Backend, JobId, LoadTimes, Presence},
    model::{Model as Listed, ModelId},
    problem::Problem,
};
use serde::{Deserialize, Serialize};

use super::model::Progress;

/// What is known of models on this device.
#[derive(Debug, Default)]
pub struct Shelf {
    /// What is stored; none until the engine has told.
    pub survey: Option<Survey>,
    /// What is on its way, or was last heard of it.
    pub loads: BTreeMap<ModelId, Load>,
    /// Models that somebody asked for in this visit: they are loaded again when the engine is started again.
    pub wanted: Vec<ModelId>,
    /// How a measurement of the machine stands.
    pub measuring: Measuring,
    /// Whether the browser keeps what is stored when it runs out of room.
    pub persistence: Persistence,
    /// A model that goes in a moment, and can be kept until then.
    pub removed: Option<(u32, ModelId)>,
    /// Models that a person brought in.
    pub own: Vec<Listed>,
    /// What became of the last file that was brought in.
    pub brought: Option<Brought>,
}

/// What is stored on this device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// Every model of which something is there.
    pub models: Vec<Presence>,
    /// Bytes that this origin uses.
    pub used_bytes: Option<u64>,
    /// Bytes that it may use.
    pub quota_bytes: Option<u64>,
}

/// What was last heard of a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Asked for.
    Asked,
    /// Another tab holds the engine's memory.
    Elsewhere,
    /// On its way.
    Going(Progress),
    /// It answers.
    Loaded {
        /// What loading took.
        times: LoadTimes,
        /// Whether the next visit finds it on this device.
        stored: bool,
    },
    /// Stopped by a person; what was downloaded is kept.
    Paused,
    /// It did not come.
    Failed(Problem),
}

impl Load {
    /// Whether it is on its way.
    pub fn is_going(&self) -> bool {
        matches!(self, Self::Asked | Self::Elsewhere | Self::Going(_))
    }
}

/// A measurement of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Measuring {
    /// None is going on.
    #[default]
    Resting,
    /// It goes on.
    Running,
}

/// How fast this machine computes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Where it was measured.
    pub backend: Backend,
    /// Bytes of quantised weights in a second.
    pub bytes_per_s: f64,
}

impl Speed {
    /// Tokens a second that a model of that size comes to.
    pub fn tokens_per_s(&self, model_bytes: u64) -> f64 {
        self.bytes_per_s / (model_bytes.max(1) as f64)
    }
}

/// Whether the browser keeps what is stored when it runs out of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persistence {
    /// It has not said.
    #[default]
    Unknown,
    /// It does.
    Granted,
    /// It may delete it.
    Refused,
}

/// A file that a person brought in.
#[derive(Clone, Debug, PartialEq)]
pub enum Brought {
    /// It is being read.
    Reading {
        /// Its name.
        name: String,
        /// The engine's name for that.
        job: JobId,
        /// How far it is.
        progress: Option<Progress>,
    },
    /// It is this model now.
    Taken(String),
    /// It was not taken.
    Refused(Problem),
}

impl Shelf {
    /// How much of a model is stored and in memory.
    pub fn presence(&self, id: &ModelId) -> Option<&Presence> {
        self.survey.as_ref()?.models.iter().find(|presence| &presence.model == id)
    }

    /// Whether all of it is stored.
    pub fn is_stored(&self, id: &ModelId) -> bool {
        self.presence(id).is_some_and(|presence| presence.is_complete)
    }

    /// Whether it answers now.
    pub fn is_loaded(&self, id: &ModelId) -> bool {
        matches!(self.loads.get(id), Some(Load::Loaded { .. }))
    }

    /// What it is called in a sentence: its title without what it is good for.
    pub fn name(&self, id: &ModelId) -> String {
        let title = self.find(id).map_or(id.0.as_str(), |model| model.title.as_str());
        title.split(" (").next().unwrap_or(title).to_owned()
    }

    /// The model of that name, brought in or listed.
    pub fn find(&self, id: &ModelId) -> Option<&Listed> {
        self.own.iter().find(|own| &own.id == id).or_else(|| mtor_shared::model::find(id))
    }
}
