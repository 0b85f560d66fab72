//! Sources, operations and credentials in words.

use mtor_shared::{
    capability::{CapabilityId, SideEffect},
    credential::{Credential, Kind, Standing},
    problem::Problem,
    source::{Change, OperationLine, Origin, Scheme, Source, SourceId, Stage},
};

use super::{format::bytes, listed};
use crate::shell::{
    federation::Bench,
    model::{Model, Shared},
    place::{Place, Tab, halves},
};

/// What somebody typed or pasted in order to add it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pasted {
    /// Nothing.
    Nothing,
    /// An address, made absolute.
    Address(String),
    /// A description, in this notation as far as its beginning tells.
    Description(&'static str),
}

/// Tells an address from a description.
pub fn pasted(text: &str) -> Pasted {
    let text = text.trim();
    if text.is_empty() {
        return Pasted::Nothing;
    }
    let one_word = !text.contains(char::is_whitespace) && text.len() < 4096;
    if one_word && (text.starts_with("http://") || text.starts_with("https://")) {
        return Pasted::Address(text.to_owned());
    }
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.'))
        && name.starts_with(char::is_alphanumeric)
        && port.chars().all(|c| c.is_ascii_digit());
    let is_near = name == "localhost" || name.starts_with("127.");
    if one_word && is_name && (is_near || name.contains('.')) {
        let scheme = if is_near { "http" } else { "https" };
        return Pasted::Address(format!("{scheme}://{text}"));
    }
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    Pasted::Description(if begins(&["{", "["]) {
        "JSON"
    } else if begins(&[
        "type ",
        "schema ",
        "schema{",
        "scalar ",
        "directive ",
        "enum ",
        "input ",
        "interface ",
        "\"\"\"",
    ]) || text.contains("\ntype Query")
    {
        "GraphQL"
    } else {
        "YAML"
    })
}

/// What is about to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftView {
    /// What it looks like, and what happens to it.
    pub hint: String,
    /// Whether there is something to add.
    pub can_add: bool,
    /// Whether something is on its way to the realm.
    pub on_the_way: bool,
    /// Whether the address of the API may be needed.
    pub asks_endpoint: bool,
    /// Why it was not taken.
    pub problem: Option<Problem>,
}

/// The field that sources are added with.
pub fn draft(model: &Model) -> DraftView {
    let draft = &model.federation.draft;
    let found = pasted(&draft.text);
    let hint = match &found {
        Pasted::Nothing => "OpenAPI, Swagger or GraphQL. Drop a file anywhere on this page.".to_owned(),
        Pasted::Address(url) => format!("An address: the realm fetches {url}."),
        Pasted::Description(notation) => {
            format!("A description in {notation}, {}: the realm compiles it.", bytes(draft.text.len() as u64))
        }
    };
    DraftView {
        hint,
        can_add: found != Pasted::Nothing && draft.on_the_way == 0,
        on_the_way: draft.on_the_way > 0,
        asks_endpoint: found != Pasted::Nothing,
        problem: draft.problem.clone(),
    }
}

/// How something stands, as a colour beside its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// At work.
    Busy,
    /// Somebody has to decide.
    Ask,
    /// In use.
    Good,
    /// Not in use.
    Rest,
    /// It does not work.
    Bad,
}

/// A source in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceLine {
    /// Which.
    pub id: SourceId,
    /// Its name.
    pub title: String,
    /// How it stands.
    pub tone: Tone,
    /// The same in a word or two.
    pub state: String,
    /// Format, counts, hosts.
    pub facts: String,
    /// How far it is, from 0 to 1.
    pub progress: Option<f64>,
    /// Whether it is the one that is looked at.
    pub is_here: bool,
}

/// How a source stands, in a word or two.
fn state(source: &Source) -> (Tone, String) {
    match &source.stage {
        Stage::Fetching { done_bytes, total_bytes: Some(total) } => {
            (Tone::Busy, format!("Fetching, {} of {}", bytes(*done_bytes), bytes(*total)))
        }
        Stage::Fetching { done_bytes: 0, total_bytes: None } => (Tone::Busy, "Fetching".into()),
        Stage::Fetching { done_bytes, total_bytes: None } => {
            (Tone::Busy, format!("Fetching, {}", bytes(*done_bytes)))
        }
        Stage::Compiling { bytes: count } => (Tone::Busy, format!("Compiling {}", bytes(*count))),
        Stage::Preview => (Tone::Ask, "Preview".into()),
        Stage::Enabled => (Tone::Good, "Enabled".into()),
        Stage::Disabled => (Tone::Rest, "Disabled".into()),
        Stage::Changed { .. } if source.enabled => (Tone::Ask, "Changed, enabled".into()),
        Stage::Changed { .. } => (Tone::Ask, "Changed, disabled".into()),
        Stage::Failed { .. } if source.enabled => (Tone::Bad, "Failed, enabled".into()),
        Stage::Failed { .. } => (Tone::Bad, "Failed".into()),
    }
}

fn progress(source: &Source) -> Option<f64> {
    match source.stage {
        Stage::Fetching { done_bytes, total_bytes: Some(total) } if total > 0 => {
            Some(done_bytes as f64 / total as f64)
        }
        _ => None,
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn title(source: &Source) -> String {
    if source.title.is_empty() { source.id.to_string() } else { source.title.clone() }
}

/// Hosts in a line: the first few, and how many more.
fn hosts_in_short(hosts: &[String]) -> String {
    match hosts {
        [] => String::new(),
        [first] => first.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

/// Every source but the one that is being removed; what needs somebody first, otherwise in the realm's order.
pub fn sources(model: &Model) -> Option<Vec<SourceLine>> {
    let federation = &model.federation;
    let gone = federation.removed.as_ref().map(|(_, id)| id);
    let here = model.place.of_source();
    let line = |source: &Source| {
        let (tone, state) = state(source);
        let mut facts = Vec::new();
        if !source.format.is_empty() {
            facts.push(source.format.clone());
            facts.push(counted(source.capabilities as usize, "operation", "operations"));
        }
        match &source.stage {
            Stage::Failed { problem } if source.format.is_empty() => facts.push(problem.title.clone()),
            _ if source.hosts.is_empty() => {}
            _ => facts.push(hosts_in_short(&source.hosts)),
        }
        SourceLine {
            id: source.id.clone(),
            title: title(source),
            tone,
            state,
            facts: facts.join(" · "),
            progress: progress(source),
            is_here: here.as_ref() == Some(&source.id),
        }
    };
    let lines = federation.sources.as_ref()?.iter().filter(|source| Some(&source.id) != gone).map(line);
    let (mut first, rest): (Vec<_>, Vec<_>) =
        lines.partition(|line| matches!(line.tone, Tone::Ask | Tone::Busy));
    first.extend(rest);
    Some(first)
}

/// What was removed last and can be brought back.
pub fn removed(model: &Model) -> Option<String> {
    let (_, id) = model.federation.removed.as_ref()?;
    Some(model.federation.source(id).map_or_else(|| id.to_string(), title))
}

/// The source that is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceView {
    /// Which.
    pub id: SourceId,
    /// Its name.
    pub title: String,
    /// How it stands.
    pub tone: Tone,
    /// The same in words.
    pub state: String,
    /// What it means, and what to do.
    pub sentence: String,
    /// How far it is, from 0 to 1.
    pub progress: Option<f64>,
    /// Whether it is being fetched or compiled, so that it can be stopped.
    pub is_at_work: bool,
    /// Whether the realm is changing it.
    pub is_busy: bool,
    /// What can be done about being in use: whether a press enables it; none where neither fits.
    pub enables: Option<bool>,
    /// What it is agreed to with, and the difference.
    pub change: Option<Change>,
    /// Why it failed.
    pub problem: Option<Problem>,
    /// Why the last change was not taken.
    pub refusal: Option<Problem>,
    /// Whether it can be fetched again.
    pub can_scan: bool,
    /// Whether it can be removed.
    pub can_remove: bool,
    /// Names and values.
    pub facts: Vec<(&'static str, String)>,
    /// When it was last looked at.
    pub scanned_at_ms: u64,
    /// Every host that is called.
    pub hosts: Vec<String>,
    /// What operations are called with.
    pub schemes: Vec<Scheme>,
    /// What was compiled in spite of a fault.
    pub warnings: Vec<String>,
    /// Sides with their names and how much is there.
    pub tabs: Vec<(Tab, &'static str, Option<usize>)>,
    /// The overlay.
    pub overlay: String,
    /// Where the API is, as somebody said.
    pub endpoint: String,
    /// Seconds between two looks; 0 is on demand.
    pub rescan_s: u32,
}

/// A source in full.
pub fn source(model: &Model, id: &SourceId) -> Option<SourceView> {
    let federation = &model.federation;
    let source = federation.source(id)?;
    let (tone, state) = state(source);
    let is_at_work = tone == Tone::Busy;
    let hosts = &source.hosts;
    let can = counted(source.capabilities as usize, "operation can", "operations can");
    let sentence = match &source.stage {
        Stage::Fetching { .. } | Stage::Compiling { .. } => String::new(),
        Stage::Preview if source.capabilities == 0 => "None of its operations can be called.".to_owned(),
        Stage::Preview if hosts.is_empty() => {
            format!("{can} be called. Nothing is called until you enable it.")
        }
        Stage::Preview => {
            format!("{can} be called, at {}. Nothing is called until you enable it.", hosts_in_words(hosts))
        }
        Stage::Enabled => format!("{can} be asked for from the prompt."),
        Stage::Disabled => "Nothing of it is offered or called.".to_owned(),
        Stage::Changed { .. } => {
            let goes_on = if source.enabled {
                "What you agreed to goes on working."
            } else {
                "Nothing of it is offered or called."
            };
            format!("The description is another one than the one that you agreed to. {goes_on}")
        }
        Stage::Failed { .. } if source.enabled => "What you agreed to before goes on working.".to_owned(),
        Stage::Failed { .. } if source.sha256.is_empty() => "There is nothing to enable yet.".to_owned(),
        Stage::Failed { .. } => "Nothing of it is offered or called.".to_owned(),
    };
    let origin = match &source.origin {
        Origin::Builtin => "comes with MTOR".to_owned(),
        Origin::Url { url } => url.clone(),
        Origin::Text { name: Some(name), .. } => format!("the file {name}"),
        Origin::Text { name: None, .. } => "pasted".to_owned(),
    };
    let mut facts = vec![("From", origin)];
    if !source.format.is_empty() {
        let size = format!("{}, compiled in {} ms", bytes(source.bytes), source.compile_ms);
        facts.insert(0, ("Format", source.format.clone()));
        facts.push(("Size", size));
    }
    if let Some(pin) = source.sha256.get(..12) {
        facts.push(("Pinned to", format!("SHA-256 {pin}…")));
    }
    let credentials = federation.credentials.iter().filter(|known| &known.source == id).count();
    let tabs = vec![
        (
            Tab::Operations,
            "Operations",
            Some(source.operations.max(source.capabilities) as usize - skipped_of(source)),
        ),
        (Tab::Skipped, "Skipped", Some(source.skipped as usize)),
        (Tab::Credentials, "Credentials", (credentials > 0).then_some(credentials)),
        (Tab::Settings, "Settings", None),
    ];
    Some(SourceView {
        id: id.clone(),
        title: title(source),
        tone,
        state,
        sentence,
        progress: progress(source),
        is_at_work,
        is_busy: federation.busy.contains(id),
        enables: match &source.stage {
            Stage::Fetching { .. } | Stage::Compiling { .. } => None,
            Stage::Preview
            | Stage::Enabled
            | Stage::Disabled
            | Stage::Changed { .. }
            | Stage::Failed { .. } => {
                Some(!source.enabled).filter(|enables| !enables || source.capabilities > 0)
            }
        },
        change: match &source.stage {
            Stage::Changed { change } => Some(change.clone()),
            _ => None,
        },
        problem: match &source.stage {
            Stage::Failed { problem } => Some(problem.clone()),
            _ => None,
        },
        refusal: federation.refusals.iter().find(|(of, _)| of == id).map(|(_, problem)| problem.clone()),
        can_scan: !is_at_work && matches!(source.origin, Origin::Url { .. }),
        can_remove: !matches!(source.origin, Origin::Builtin),
        facts,
        scanned_at_ms: source.scanned_at_ms,
        hosts: hosts.clone(),
        schemes: source.schemes.clone(),
        warnings: source.warnings.clone(),
        tabs,
        overlay: source.overlay.clone().unwrap_or_default(),
        endpoint: source.endpoint.clone().unwrap_or_default(),
        rescan_s: source.rescan_s.unwrap_or(0),
    })
}

/// Skipped operations, as far as they are among those that are counted.
fn skipped_of(source: &Source) -> usize {
    let all = source.operations.max(source.capabilities);
    (all - source.capabilities).min(source.skipped) as usize
}

fn hosts_in_words(hosts: &[String]) -> String {
    match hosts {
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c} and {} more hosts", rest.len()),
        few => listed(few),
    }
}

/// How often a source is looked at: seconds, and in words.
pub const SCHEDULES: [(u32, &str); 4] =
    [(0, "When you ask for it"), (3_600, "Every hour"), (86_400, "Every day"), (604_800, "Every week")];

/// What a call changes, in a word or two.
pub fn effect_words(effect: SideEffect) -> &'static str {
    match effect {
        SideEffect::Read => "reads",
        SideEffect::Write => "changes something",
        SideEffect::Irreversible => "cannot be undone",
    }
}

/// The list of operations.
#[derive(Clone, Debug, PartialEq)]
pub struct ListingView {
    /// The lines.
    pub lines: Shared<Vec<OperationLine>>,
    /// Whether each line needs the name of its source.
    pub names_source: bool,
    /// What there is altogether, or why nothing.
    pub words: String,
    /// How many more there are.
    pub more: usize,
    /// Why nothing came.
    pub problem: Option<Problem>,
    /// Whether an answer is on its way.
    pub is_asking: bool,
}

/// The list of operations that is looked at.
pub fn listing(model: &Model) -> ListingView {
    let listing = &model.federation.listing;
    let searches = !listing.query.trim().is_empty();
    let shown = listing.lines.len();
    let (words, more) = match listing.total {
        None if listing.source.is_none() && !searches => (String::new(), 0),
        None => ("Asking the realm.".to_owned(), 0),
        Some((0, ..)) if searches => ("Nothing fits. Other words may.".to_owned(), 0),
        Some((0, ..)) => ("There is no operation that can be called.".to_owned(), 0),
        Some((total, elapsed_ms, by_meaning)) => {
            let found = counted(total as usize, "operation", "operations");
            let how = match (searches, by_meaning) {
                (true, true) => format!(", found by meaning and words in {elapsed_ms:.0} ms"),
                (true, false) => format!(", found by words in {elapsed_ms:.0} ms"),
                (false, _) => String::new(),
            };
            (format!("{found}{how}"), (total as usize).saturating_sub(shown))
        }
    };
    ListingView {
        lines: listing.lines.clone(),
        names_source: listing.source.is_none(),
        words,
        more,
        problem: listing.problem.clone(),
        is_asking: listing.flying.is_some(),
    }
}

/// The name of a source, for lines that come from several.
pub fn source_title(model: &Model, id: &CapabilityId) -> String {
    let id = SourceId(halves(id).0.to_owned());
    model.federation.source(&id).map_or_else(|| id.to_string(), title)
}

/// What a credential is.
pub fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::ApiKey => "API key",
        Kind::Bearer => "Bearer token",
        Kind::Basic => "User and password",
        Kind::ClientCredentials => "OAuth 2, client credentials",
        Kind::AuthorizationCode => "OAuth 2, signing in",
    }
}

/// Credentials of a source, by scheme.
pub fn credentials(model: &Model, id: &SourceId) -> Vec<(Scheme, Vec<Credential>)> {
    let Some(source) = model.federation.source(id) else { return Vec::new() };
    let of = |scheme: &Scheme| {
        let known = model.federation.credentials.iter();
        known.filter(|known| &known.source == id && known.scheme == scheme.name).cloned().collect()
    };
    source.schemes.iter().map(|scheme| (scheme.clone(), of(scheme))).collect()
}

/// How a credential stands, in words.
pub fn standing_words(standing: &Standing) -> (Tone, String) {
    match standing {
        Standing::Ready => (Tone::Good, "Ready".into()),
        Standing::Waiting { .. } => (Tone::Ask, "Waits for you to sign in".into()),
        Standing::Refused { reason } => (Tone::Bad, format!("Refused: {reason}")),
    }
}

/// The request of the operation that is looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestView {
    /// There is none yet.
    Waits(String),
    /// It is this.
    Shown {
        /// `GET https://…`.
        line: String,
        /// Header fields.
        headers: Vec<(String, String)>,
        /// The body.
        body: Option<String>,
        /// What it lacks.
        missing: Option<String>,
        /// Whether the arguments have changed since.
        is_old: bool,
    },
    /// The arguments make no request.
    Refused(Problem),
}

/// The request as it would be sent.
pub fn request(bench: &Bench) -> RequestView {
    let is_old = bench.shown_version != bench.version;
    match &bench.shown {
        None if bench.flying.is_some() => RequestView::Waits("Asking the realm.".into()),
        None => {
            let reading = bench.form.read();
            let first = reading.wrong.into_iter().chain(reading.empty).next();
            RequestView::Waits(first.map_or_else(String::new, |(_, words)| words))
        }
        Some(Ok(shown)) => RequestView::Shown {
            line: format!("{} {}", shown.method, shown.url),
            headers: shown.headers.clone(),
            body: shown.body.clone(),
            missing: (!shown.missing.is_empty()).then(|| {
                format!("No credential is stored for {}; the call would be refused.", listed(&shown.missing))
            }),
            is_old,
        },
        Some(Err(problem)) => RequestView::Refused(problem.clone()),
    }
}

/// Where one goes back to from a place, with its name.
pub fn back(model: &Model) -> Option<(String, String)> {
    match &model.place {
        Place::Stream | Place::Federation { .. } | Place::Chat | Place::Talk { .. } | Place::Models => None,
        Place::Source { .. } => Some((Place::federation().address(), "All sources".to_owned())),
        Place::Operation(id) => {
            let source = SourceId(halves(id).0.to_owned());
            let query = match &model.federation.listing {
                listing if listing.source.as_ref() == Some(&source) => listing.query.clone(),
                _ => String::new(),
            };
            let place = Place::Source { source, tab: Tab::Operations, query };
            Some((place.address(), source_title(model, id)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_descriptions_are_told_apart() {
        let address = |text: &str| Pasted::Address(text.to_owned());
        assert_eq!(pasted(" https://a.example/openapi.json\n"), address("https://a.example/openapi.json"));
        assert_eq!(
            pasted("petstore3.swagger.io/api/v3/openapi.json"),
            address("https://petstore3.swagger.io/api/v3/openapi.json")
        );
        assert_eq!(pasted("localhost:8080/openapi.yaml"), address("http://localhost:8080/openapi.yaml"));
        assert_eq!(pasted("127.0.0.1:9/x"), address("http://127.0.0.1:9/x"));
        assert_eq!(pasted("{\"openapi\":\"3.1.0\"}"), Pasted::Description("JSON"));
        assert_eq!(pasted("openapi: 3.1.0\ninfo: {}"), Pasted::Description("YAML"));
        assert_eq!(pasted("scalar Date\ntype Query { a: Int }"), Pasted::Description("GraphQL"));
        assert_eq!(pasted("swagger"), Pasted::Description("YAML"));
        assert_eq!(pasted("  \n "), Pasted::Nothing);
    }
}
