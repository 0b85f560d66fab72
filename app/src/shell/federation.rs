//! What the shell knows of the realm's sources, and what it asks the realm about them.

use mtor_shared::{
    capability::CapabilityId,
    credential::{AddCredential, Credential, CredentialId},
    problem::Problem,
    source::{
        AddSource, ChangeSource, DryRun, OperationDetail, OperationLine, OperationPage, ShownRequest,
        SkippedOperation, Source, SourceId,
    },
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    form::Form,
    model::{EntryId, Shared},
    place::{encoded, halves},
};

/// Operations that are asked for at once.
pub const PAGE: u32 = 50;

/// Sources, and whatever of them is looked at.
#[derive(Debug, Default)]
pub struct Federation {
    /// Every source; none until the realm said so.
    pub sources: Option<Shared<Vec<Source>>>,
    /// Why the realm did not say it.
    pub trouble: Option<Problem>,
    /// What is about to be added.
    pub draft: Draft,
    /// What the realm said against a change of a source.
    pub refusals: Vec<(SourceId, Problem)>,
    /// Sources that the realm is changing.
    pub busy: Vec<SourceId>,
    /// Sources whose progress is listened to.
    pub watched: Vec<SourceId>,
    /// What was removed last, while it can still be brought back: the realm is told when it cannot.
    pub removed: Option<(u32, SourceId)>,
    /// Operations in a list.
    pub listing: Listing,
    /// What cannot be called, of the source that is looked at.
    pub skipped: Option<(SourceId, Shared<Vec<SkippedOperation>>)>,
    /// What sources are called with.
    pub credentials: Shared<Vec<Credential>>,
    /// Why a credential was not taken.
    pub credential_trouble: Option<Problem>,
    /// Counts credentials that were taken, so that what was typed is cleared.
    pub credentials_taken: u32,
    /// The operation that is looked at.
    pub bench: Option<Bench>,
}

/// What is about to be added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// An address or a description.
    pub text: String,
    /// Where the API is, for descriptions that do not say it.
    pub endpoint: String,
    /// Descriptions on their way to the realm.
    pub on_the_way: u32,
    /// What was typed and is on its way.
    pub sent: Option<String>,
    /// Why it was not taken.
    pub problem: Option<Problem>,
}

/// Operations in a list, of one source or of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Whose; none for all sources.
    pub source: Option<SourceId>,
    /// What is searched for.
    pub query: String,
    /// Counts questions; an answer to an earlier one is dropped.
    pub version: u32,
    /// The version that the realm is at, while it is.
    pub flying: Option<u32>,
    /// What came.
    pub lines: Shared<Vec<OperationLine>>,
    /// What the last answer said about all of them: how many, in how many milliseconds, whether by meaning.
    pub total: Option<(u32, f32, bool)>,
    /// Why nothing came.
    pub problem: Option<Problem>,
}

/// An operation that is looked at and tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Bench {
    /// Which.
    pub id: CapabilityId,
    /// What is known of it.
    pub detail: Option<Result<Shared<OperationDetail>, Problem>>,
    /// Its arguments.
    pub form: Shared<Form>,
    /// Counts changes of the arguments.
    pub version: u32,
    /// The version that the realm makes a request of, while it does.
    pub flying: Option<u32>,
    /// The request of the arguments as they are or were.
    pub shown: Option<Result<ShownRequest, Problem>>,
    /// The version that is shown.
    pub shown_version: u32,
    /// Whether a person asked for it, and hears of it.
    pub aloud: bool,
    /// The question that it was sent as.
    pub sent: Option<EntryId>,
}

/// Something that the realm is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Every source.
    Sources,
    /// One source.
    Source(SourceId),
    /// Another source.
    Add(AddSource),
    /// A source is changed.
    Change(SourceId, ChangeSource),
    /// A source is looked at again.
    Scan(SourceId),
    /// A source goes.
    Delete(SourceId),
    /// Operations.
    Operations {
        /// Whose; none for all sources.
        source: Option<SourceId>,
        /// What is searched for.
        query: String,
        /// How many are known already.
        offset: u32,
        /// How many.
        limit: u32,
        /// Comes back with the answer.
        version: u32,
    },
    /// What cannot be called.
    Skipped(SourceId),
    /// One operation.
    Detail(CapabilityId),
    /// The request that would be sent.
    DryRun {
        /// The operation.
        id: CapabilityId,
        /// Its arguments.
        args: Map<String, Value>,
        /// Comes back with the answer.
        version: u32,
    },
    /// Every credential.
    Credentials,
    /// Another credential.
    AddCredential(AddCredential),
    /// A credential goes.
    DeleteCredential(CredentialId),
}

/// What an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Every source.
    Sources,
    /// One source: as it is, changed, or looked at again.
    Source(SourceId),
    /// A source that was added.
    Added,
    /// A source that went.
    Deleted(SourceId),
    /// Operations.
    Operations {
        /// The question.
        version: u32,
        /// Whether they follow those that are known.
        more: bool,
    },
    /// What cannot be called.
    Skipped(SourceId),
    /// One operation.
    Detail(CapabilityId),
    /// A request.
    DryRun {
        /// The operation.
        id: CapabilityId,
        /// Of its arguments.
        version: u32,
    },
    /// Every credential.
    Credentials,
    /// A credential that was added.
    CredentialAdded,
    /// A credential that went.
    CredentialDeleted,
}

/// What the realm answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Call::Sources`].
    Sources(Vec<Source>),
    /// To whatever concerns one.
    Source(Box<Source>),
    /// To [`Call::Operations`].
    Operations(OperationPage),
    /// To [`Call::Skipped`].
    Skipped(Vec<SkippedOperation>),
    /// To [`Call::Detail`].
    Detail(Box<OperationDetail>),
    /// To [`Call::DryRun`].
    Request(ShownRequest),
    /// To [`Call::Credentials`].
    Credentials(Vec<Credential>),
    /// To whatever needs no words.
    Done,
}

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Read.
    Get,
    /// Make.
    Post,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

fn json<T: Serialize>(body: &T) -> Option<String> {
    // Types of the protocol always serialise: their maps have strings as keys.
    serde_json::to_string(body).ok()
}

fn source_path(source: &SourceId) -> String {
    format!("/api/catalogue/sources/{}", encoded(&source.0))
}

fn operation_path(id: &CapabilityId) -> String {
    let (source, operation) = halves(id);
    format!("/api/catalogue/operations/{}/{}", encoded(source), encoded(operation))
}

/// Where a source's progress is told.
pub fn events_path(source: &SourceId) -> String {
    format!("{}/events", source_path(source))
}

impl Call {
    /// The request: verb, path, JSON body.
    pub fn request(&self) -> (Verb, String, Option<String>) {
        match self {
            Self::Sources => (Verb::Get, "/api/catalogue/sources".to_owned(), None),
            Self::Source(source) => (Verb::Get, source_path(source), None),
            Self::Add(add) => (Verb::Post, "/api/catalogue/sources".to_owned(), json(add)),
            Self::Change(source, change) => (Verb::Patch, source_path(source), json(change)),
            Self::Scan(source) => (Verb::Post, format!("{}/scan", source_path(source)), None),
            Self::Delete(source) => (Verb::Delete, source_path(source), None),
            Self::Operations { source, query, offset, limit, .. } => {
                let list = match source {
                    Some(source) => format!("{}/operations", source_path(source)),
                    None => "/api/catalogue/search".to_owned(),
                };
                (Verb::Get, format!("{list}?q={}&offset={offset}&limit={limit}", encoded(query)), None)
            }
            Self::Skipped(source) => (Verb::Get, format!("{}/skipped", source_path(source)), None),
            Self::Detail(id) => (Verb::Get, operation_path(id), None),
            Self::DryRun { id, args, .. } => {
                let body = DryRun { args: Value::Object(args.clone()) };
                (Verb::Post, format!("{}/dry-run", operation_path(id)), json(&body))
            }
            Self::Credentials => (Verb::Get, "/api/credentials".to_owned(), None),
            Self::AddCredential(add) => (Verb::Post, "/api/credentials".to_owned(), json(add)),
            Self::DeleteCredential(id) => {
                (Verb::Delete, format!("/api/credentials/{}", encoded(&id.0)), None)
            }
        }
    }

    /// What its answer is about.
    pub fn about(&self) -> About {
        match self {
            Self::Sources => About::Sources,
            Self::Source(source) | Self::Change(source, _) | Self::Scan(source) => {
                About::Source(source.clone())
            }
            Self::Add(_) => About::Added,
            Self::Delete(source) => About::Deleted(source.clone()),
            Self::Operations { offset, version, .. } => {
                About::Operations { version: *version, more: *offset > 0 }
            }
            Self::Skipped(source) => About::Skipped(source.clone()),
            Self::Detail(id) => About::Detail(id.clone()),
            Self::DryRun { id, version, .. } => About::DryRun { id: id.clone(), version: *version },
            Self::Credentials => About::Credentials,
            Self::AddCredential(_) => About::CredentialAdded,
            Self::DeleteCredential(_) => About::CredentialDeleted,
        }
    }
}

impl Federation {
    /// Keeps what the realm said against a change of a source, the last of it.
    pub fn refuse(&mut self, id: &SourceId, problem: Option<Problem>) {
        self.refusals.retain(|(of, _)| of != id);
        self.refusals.extend(problem.map(|problem| (id.clone(), problem)));
    }

    /// The source of that name.
    pub fn source(&self, id: &SourceId) -> Option<&Source> {
        self.sources.as_ref()?.iter().find(|source| &source.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_words_cannot_leave_their_place_in_a_path() {
        let (_, path, _) = Call::Detail("pets/GET /a?b#c".into()).request();
        assert_eq!(path, "/api/catalogue/operations/pets/GET%20%2Fa%3Fb%23c");
        let query = "a&limit=9 ü".to_owned();
        let call = Call::Operations { source: None, query, offset: 0, limit: 50, version: 1 };
        assert_eq!(call.request().1, "/api/catalogue/search?q=a%26limit%3D9%20%C3%BC&offset=0&limit=50");
    }
}
