//! The honest line under a result: who answered, where it ran, how long it took, what it cost.

use serde::{Deserialize, Serialize};

use crate::plan::StepId;

/// Where the work was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "at", rename_all = "kebab-case")]
pub enum RanAt {
    /// In the tab; nothing left the device.
    Device,
    /// In the realm.
    Realm,
    /// At providers, called by the realm.
    Federated {
        /// Every host that was called.
        hosts: Vec<String>,
    },
}

/// One request to a provider, as it was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Exchange {
    /// The step that needed it.
    pub step: StepId,
    /// HTTP method.
    pub method: String,
    /// The whole address, without credentials.
    pub url: String,
    /// HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// From dialling to the last byte.
    pub elapsed_ms: u32,
    /// Bytes of the answer after decompression.
    pub bytes: u64,
}

/// What a run took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// Who answered, for a person.
    pub who: String,
    /// Where.
    pub ran_at: RanAt,
    /// When it began, in milliseconds since 1970 by the clock of whoever ran it.
    pub started_at_ms: u64,
    /// From the start to the result.
    pub elapsed_ms: u32,
    /// In millionths of a $9000 credit.
    pub cost_micro: u64,
    /// What was sent, in order.
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
    /// Words that the provider wants shown with its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
}
