//! Operations: listed, searched, looked at, tried. What a person types is asked one question at a time, the newest next;
//! an answer to an older one is dropped.

use mtor_shared::{
    capability::{CapabilityId, Residency},
    problem::{Problem, ProblemCode},
    source::SourceId,
};
use serde_json::{Map, Value};

use super::{Turn, forms::control_id, places, routing};
use crate::shell::{
    effect::Effect,
    event::FormOf,
    federation::{Answer, Bench, Call, PAGE},
    form::{Form, sensible},
    model::{Choice, Entry, EntryId, Model, Shared, Stage, WaitsFor},
    place::Place,
};

/// Looks at the operations of a source, or of all.
pub(super) fn look(model: &mut Model, turn: &mut Turn, source: Option<SourceId>, query: String) {
    let listing = &mut model.federation.listing;
    if listing.source != source {
        listing.lines = Shared::default();
        listing.total = None;
    }
    listing.source = source;
    listing.query = query;
    ask(model, turn);
}

/// Asks for the beginning of the list, unless a question is on its way: then when that is answered.
fn ask(model: &mut Model, turn: &mut Turn) {
    let listing = &mut model.federation.listing;
    listing.version = listing.version.wrapping_add(1);
    listing.problem = None;
    if listing.flying.is_none() {
        fly(model, turn, 0);
    }
}

fn fly(model: &mut Model, turn: &mut Turn, offset: u32) {
    let listing = &mut model.federation.listing;
    if listing.source.is_none() && listing.query.trim().is_empty() {
        listing.lines = Shared::default();
        listing.total = None;
        return;
    }
    listing.flying = Some(listing.version);
    turn.push(Effect::Call(Call::Operations {
        source: listing.source.clone(),
        query: listing.query.trim().to_owned(),
        offset,
        limit: PAGE,
        version: listing.version,
    }));
}

/// A person searches.
pub(super) fn searched(model: &mut Model, turn: &mut Turn, query: String) {
    let place = match &model.place {
        Place::Federation { .. } => Place::Federation { query: query.clone() },
        Place::Source { source, tab, .. } => {
            Place::Source { source: source.clone(), tab: *tab, query: query.clone() }
        }
        Place::Stream | Place::Operation(_) | Place::Chat | Place::Talk { .. } | Place::Models => return,
    };
    places::go(model, turn, place, false);
    model.federation.listing.query = query;
    ask(model, turn);
}

/// A person wants more of the list.
pub(super) fn more(model: &mut Model, turn: &mut Turn) {
    let listing = &model.federation.listing;
    if listing.flying.is_some() {
        return;
    }
    let known = u32::try_from(listing.lines.len()).unwrap_or(u32::MAX);
    fly(model, turn, known);
}

/// The realm listed operations.
pub(super) fn listed(
    model: &mut Model,
    turn: &mut Turn,
    version: u32,
    more: bool,
    result: Result<Answer, Problem>,
) {
    let listing = &mut model.federation.listing;
    listing.flying = None;
    if version != listing.version {
        return fly(model, turn, 0);
    }
    match result {
        Ok(Answer::Operations(page)) => {
            listing.total = Some((page.total, page.elapsed_ms, page.by_meaning));
            if more {
                listing.lines.edit().extend(page.operations);
            } else {
                listing.lines = Shared::new(page.operations);
            }
        }
        Ok(_) => {}
        Err(problem) => listing.problem = Some(problem),
    }
}

/// What cannot be called.
pub(super) fn skipped(model: &mut Model, source: SourceId, result: Result<Answer, Problem>) {
    match result {
        Ok(Answer::Skipped(skipped)) => model.federation.skipped = Some((source, Shared::new(skipped))),
        Ok(_) => {}
        Err(problem) => model.federation.refuse(&source, Some(problem)),
    }
}

/// A source is another one now: what is seen of it may be too.
pub(super) fn source_changed(model: &mut Model, turn: &mut Turn, source: &SourceId) {
    match &model.place {
        Place::Source { query, .. } => {
            let query = query.clone();
            look(model, turn, Some(source.clone()), query);
            turn.push(Effect::Call(Call::Skipped(source.clone())));
        }
        Place::Operation(id) => turn.push(Effect::Call(Call::Detail(id.clone()))),
        Place::Stream | Place::Federation { .. } | Place::Chat | Place::Talk { .. } | Place::Models => {}
    }
}

/// The realm is there again, perhaps: ask for what is missing.
pub(super) fn look_again(model: &mut Model, turn: &mut Turn) {
    if model.federation.listing.problem.is_some() {
        ask(model, turn);
    }
    if super::credentials::waits(model) {
        turn.push(Effect::Call(Call::Credentials));
    }
    if let Place::Operation(id) = &model.place
        && model.federation.bench.as_ref().is_none_or(|bench| !matches!(bench.detail, Some(Ok(_))))
    {
        turn.push(Effect::Call(Call::Detail(id.clone())));
    }
}

/// Looks at one operation; the one that was looked at last keeps its arguments.
pub(super) fn open(model: &mut Model, turn: &mut Turn, id: CapabilityId) {
    if model.federation.bench.as_ref().is_none_or(|bench| bench.id != id) {
        model.federation.bench = Some(Bench {
            id: id.clone(),
            detail: None,
            form: Shared::new(Form::new(&Value::Null, &Value::Null)),
            version: 0,
            flying: None,
            shown: None,
            shown_version: 0,
            aloud: false,
            sent: None,
        });
    }
    turn.push(Effect::Call(Call::Detail(id)));
}

/// What is known of an operation.
pub(super) fn detailed(
    model: &mut Model,
    turn: &mut Turn,
    id: &CapabilityId,
    result: Result<Answer, Problem>,
) {
    let Some(bench) = model.federation.bench.as_mut().filter(|bench| &bench.id == id) else { return };
    match result {
        Ok(Answer::Detail(detail)) => {
            let input = &detail.capability.input;
            let same = matches!(&bench.detail, Some(Ok(known)) if &known.capability.input == input);
            if !same {
                let mut form = Form::new(input, &sensible(input, &detail.example));
                form.shape = bench.form.shape.wrapping_add(1);
                bench.form = Shared::new(form);
            }
            // The very same stays, so that nothing is drawn anew under the keyboard.
            if !matches!(&bench.detail, Some(Ok(known)) if **known == *detail) {
                bench.detail = Some(Ok(Shared::new(*detail)));
            }
            arguments_changed(model, turn);
        }
        Ok(_) => {}
        // What is known is better than nothing.
        Err(_) if matches!(bench.detail, Some(Ok(_))) => {}
        Err(problem) => bench.detail = Some(Err(problem)),
    }
}

/// Fills the arguments with the whole example.
pub(super) fn fill_example(model: &mut Model, turn: &mut Turn) {
    let Some(bench) = &mut model.federation.bench else { return };
    let Some(Ok(detail)) = &bench.detail else { return };
    let mut form = Form::new(&detail.capability.input, &detail.example);
    form.shape = bench.form.shape.wrapping_add(1);
    bench.form = Shared::new(form);
    arguments_changed(model, turn);
}

/// The arguments are others: the request is another one too.
pub(super) fn arguments_changed(model: &mut Model, turn: &mut Turn) {
    if let Some(bench) = &mut model.federation.bench {
        bench.version = bench.version.wrapping_add(1);
        request(model, turn);
    }
}

/// What a request is made with besides its arguments is other: it is made again.
pub(super) fn request_again(model: &mut Model, turn: &mut Turn) {
    arguments_changed(model, turn);
}

/// Has the realm make the request of the arguments as they are, unless it is at one: then when that is done.
fn request(model: &mut Model, turn: &mut Turn) {
    let Some(bench) = &mut model.federation.bench else { return };
    if bench.flying.is_some() {
        return;
    }
    let reading = bench.form.read();
    if !reading.is_whole() {
        bench.shown = None;
        bench.shown_version = bench.version;
        return;
    }
    bench.flying = Some(bench.version);
    let (id, version) = (bench.id.clone(), bench.version);
    turn.push(Effect::Call(Call::DryRun { id, args: reading.args, version }));
}

/// The realm made a request.
pub(super) fn shown(
    model: &mut Model,
    turn: &mut Turn,
    id: &CapabilityId,
    version: u32,
    result: Result<Answer, Problem>,
) {
    let Some(bench) = model.federation.bench.as_mut().filter(|bench| &bench.id == id) else { return };
    bench.flying = None;
    if version != bench.version {
        return request(model, turn);
    }
    let mut words = None;
    bench.shown_version = version;
    bench.shown = match result {
        Ok(Answer::Request(shown)) => {
            words = Some(format!("{} {} would be sent. Nothing was sent.", shown.method, shown.url));
            Some(Ok(shown))
        }
        Ok(_) => None,
        Err(problem) => {
            if problem.code == ProblemCode::BadArgument {
                bench.form.edit().blame(&problem.to_string());
            }
            words = Some(problem.to_string());
            Some(Err(problem))
        }
    };
    if std::mem::take(&mut bench.aloud)
        && let Some(words) = words
    {
        turn.say(model, words);
    }
}

/// A person wants to see the request, or what is missing for one.
pub(super) fn dry_run(model: &mut Model, turn: &mut Turn) {
    let Some(bench) = &mut model.federation.bench else { return };
    let form = bench.form.edit();
    form.strict = true;
    let reading = form.read();
    match reading.wrong.into_iter().chain(reading.empty).next() {
        Some((path, words)) => {
            turn.push(Effect::Focus(control_id(&FormOf::Bench, &path)));
            turn.say(model, words);
        }
        None => {
            bench.aloud = true;
            arguments_changed(model, turn);
            turn.push(Effect::Focus(REQUEST.to_owned()));
        }
    }
}

/// The element that shows the request.
pub const REQUEST: &str = "bench-request";
/// The element that shows what came of it.
pub const OUTCOME: &str = "bench-outcome";

/// Sends it, as a question like any other: the same consent, the same card, the same history.
pub(super) fn send(model: &mut Model, turn: &mut Turn, args: Map<String, Value>) {
    let Some(Bench { detail: Some(Ok(detail)), .. }) = &model.federation.bench else { return };
    let detail = detail.clone();
    let capability = &detail.capability;
    let [a, b, c, d, ..] = turn.stamp.random;
    let id = EntryId::new(turn.now_ms(), u32::from_be_bytes([a, b, c, d]));
    let stage = Stage::Routing(WaitsFor::Catalogue { chosen: Some(capability.id.clone()) });
    let prompt = capability.title.clone();
    model.entries.push(Shared::new(Entry::new(id.clone(), turn.now_ms(), prompt, stage)));
    let choice = Choice::new(capability, args, true);
    let asks_first = capability.residency == Residency::Provider;
    routing::proceed(model, turn, &id, choice, routing::Proceed { asks_first, reviewed: true });
    if let Some(bench) = &mut model.federation.bench {
        bench.sent = Some(id);
    }
    turn.push(Effect::Focus(OUTCOME.to_owned()));
}
