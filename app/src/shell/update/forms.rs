//! Forms: of the operation that is looked at, and of questions that miss something. What is typed into a question's form
//! is kept with the question, so a reload loses nothing that is a value already.

use serde_json::Value;

use super::{Turn, entries_where, operations, routing};
use crate::shell::{
    effect::Effect,
    event::FormOf,
    form::{Change, Form},
    model::{EntryId, Model, Shared, Stage, Step},
};

/// Makes the form of a question, filled with what was understood.
pub(super) fn open(model: &mut Model, id: &EntryId) {
    let Some(entry) = model.entry(id) else { return };
    let Stage::Chosen(choice, Step::Missing) = &entry.stage else { return };
    let known = model.catalogue.as_ref().and_then(|catalogue| catalogue.find(&choice.capability));
    let Some(known) = known else { return };
    let form = Form::new(&known.input, &Value::Object(choice.args.clone()));
    model.forms.retain(|(of, _)| of != id);
    model.forms.push((id.clone(), Shared::new(form)));
}

/// Makes the forms of questions that were waiting for one when the page was left.
pub(super) fn open_all(model: &mut Model) {
    let waits = |stage: &Stage| matches!(stage, Stage::Chosen(_, Step::Missing));
    for id in entries_where(model, |entry| waits(&entry.stage)) {
        if model.form(&id).is_none() {
            open(model, &id);
        }
    }
}

fn form_mut<'a>(model: &'a mut Model, of: &FormOf) -> Option<&'a mut Form> {
    match of {
        FormOf::Bench => model.federation.bench.as_mut().map(|bench| bench.form.edit()),
        FormOf::Entry(id) => model.forms.iter_mut().find(|(of, _)| of == id).map(|(_, form)| form.edit()),
    }
}

/// A person did something to a form.
pub(super) fn changed(model: &mut Model, turn: &mut Turn, of: &FormOf, path: &[usize], change: Change) {
    let Some(form) = form_mut(model, of) else { return };
    let opened = change == Change::Added;
    if form.apply(path, change) && opened {
        // The keyboard goes where there is something new to fill in.
        let count = form.control(path).map_or(0, |control| control.children().len());
        let mut to = path.to_vec();
        to.push(count.saturating_sub(1));
        turn.push(Effect::Focus(control_id(of, &to)));
    }
    match of {
        FormOf::Bench => operations::arguments_changed(model, turn),
        FormOf::Entry(id) => {
            let args = form.read().args;
            turn.edit(model, id, |entry| {
                if let Stage::Chosen(choice, Step::Missing) = &mut entry.stage {
                    choice.args = args;
                }
            });
        }
    }
}

/// A person is done with a form.
pub(super) fn done(model: &mut Model, turn: &mut Turn, of: &FormOf) {
    let Some(form) = form_mut(model, of) else { return };
    form.strict = true;
    let mut reading = form.read();
    if !reading.is_whole() {
        let first = reading.wrong.drain(..).chain(reading.empty.drain(..)).next();
        if let Some((path, words)) = first {
            turn.push(Effect::Focus(control_id(of, &path)));
            turn.say(model, words);
        }
        return;
    }
    match of {
        FormOf::Bench => operations::send(model, turn, reading.args),
        FormOf::Entry(id) => {
            model.forms.retain(|(of, _)| of != id);
            routing::filled(model, turn, id, reading.args);
        }
    }
}

/// The name of a control's element.
pub fn control_id(of: &FormOf, path: &[usize]) -> String {
    let whose = match of {
        FormOf::Bench => "bench",
        FormOf::Entry(id) => &id.0,
    };
    let path: Vec<String> = path.iter().map(usize::to_string).collect();
    format!("arg-{whose}-{}", path.join("-"))
}
