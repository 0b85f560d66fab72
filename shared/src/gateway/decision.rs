//! How a request was answered, kept for whoever asks why.

use serde::{Deserialize, Serialize};

use super::Policy;

/// One request's way through the gateway. What was asked and answered is not in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Decision {
    /// 32 hexadecimal digits; the header `x-mtor-decision` of the answer.
    pub id: String,
    /// In milliseconds since 1970.
    pub at_ms: u64,
    /// What was done, for example `chat`.
    pub operation: String,
    /// The model that was asked for.
    pub model: String,
    /// How upstreams were ordered.
    pub policy: Policy,
    /// Those that could answer, in the order in which they were to be asked.
    pub placed: Vec<Placed>,
    /// Those that could not.
    pub left_out: Vec<LeftOut>,
    /// What was tried, in the order of beginning.
    pub attempts: Vec<Attempt>,
    /// Who answered; none when nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// Whether a kept answer was used.
    pub cache: CacheUse,
    /// From the request to the answer, or to its first piece where it is streamed.
    pub elapsed_ms: f32,
    /// All of it in a sentence.
    pub why: String,
}

/// One upstream in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Placed {
    /// `provider/model`
    pub target: String,
    /// Why it stands where it does.
    pub why: String,
    /// Whether it only gets a copy, to find out whether it is back.
    pub trial: bool,
}

/// One upstream that was not considered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeftOut {
    /// `provider/model`
    pub target: String,
    /// Why not.
    pub why: String,
}

/// One call of an upstream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attempt {
    /// `provider/model`
    pub target: String,
    /// When it began, in milliseconds from the request on.
    pub began_ms: f32,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is the answer.
    Answered {
        /// To the answer, or to its first piece.
        took_ms: f32,
    },
    /// It failed.
    Failed {
        /// After so long.
        took_ms: f32,
        /// How, in a sentence without anything of the request.
        why: String,
    },
    /// It was not waited for any longer: another one answered before.
    Overtaken,
}

/// Whether a kept answer was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CacheUse {
    /// Answers of this model are not kept, or the request forbids it.
    Off,
    /// There was none; this one is kept.
    Miss,
    /// It was there, or another request for the same was already under way.
    Hit,
}
