//! Where the person is, and what has to be known there.

use super::{Turn, chats, operations, sources};
use crate::shell::{
    effect::Effect,
    federation::Call,
    model::Model,
    place::{Place, Room, Tab},
};

/// The page was opened there.
pub(super) fn opened(model: &mut Model, turn: &mut Turn, fragment: &str) {
    model.place = Place::parse(fragment).unwrap_or_default();
    if model.place == Place::Stream {
        turn.push(Effect::FocusPrompt);
    } else {
        arrive(model, turn);
    }
}

/// The address is another one.
pub(super) fn moved(model: &mut Model, turn: &mut Turn, fragment: &str) {
    let Some(place) = Place::parse(fragment) else { return };
    if place == model.place {
        return;
    }
    let left = std::mem::replace(&mut model.place, place);
    if left == Place::Stream {
        turn.push(Effect::KeepScroll);
    }
    if model.place == Place::Stream {
        turn.push(Effect::RestoreScroll);
        turn.push(Effect::FocusPrompt);
        return;
    }
    if model.place.room() != Room::Chat {
        turn.push(Effect::ShowTop);
    }
    arrive(model, turn);
}

/// The screen is drawn only now: what was to be shown of it or to get the keyboard was not there before, and answers that
/// came meanwhile could not be read.
pub(super) fn came(model: &mut Model, turn: &mut Turn) {
    if model.place.room() == Room::Chat {
        chats::arrived(model, turn);
    }
    look_again(model, turn);
}

/// Answers are shown in the stream.
pub(super) fn to_stream(model: &mut Model, turn: &mut Turn) {
    if model.place != Place::Stream {
        go(model, turn, Place::Stream, true);
    }
}

/// Goes there without waiting for the browser to say so.
pub(super) fn go(model: &mut Model, turn: &mut Turn, place: Place, is_step: bool) {
    turn.push(Effect::Go { address: place.address(), is_step });
    model.place = place;
}

/// Asks for everything that is seen from here.
pub(super) fn arrive(model: &mut Model, turn: &mut Turn) {
    match model.place.room() {
        Room::Ask | Room::Models => return,
        Room::Chat => return chats::arrived(model, turn),
        Room::Federation => turn.push(Effect::Call(Call::Sources)),
    }
    match model.place.clone() {
        Place::Stream | Place::Chat | Place::Talk { .. } | Place::Models => {}
        Place::Federation { query } => operations::look(model, turn, None, query),
        Place::Source { source, tab, query } => match tab {
            Tab::Operations => operations::look(model, turn, Some(source), query),
            Tab::Skipped => turn.push(Effect::Call(Call::Skipped(source))),
            Tab::Credentials => turn.push(Effect::Call(Call::Credentials)),
            Tab::Settings => {}
        },
        Place::Operation(id) => {
            operations::open(model, turn, id);
            turn.push(Effect::Call(Call::Credentials));
        }
    }
}

/// What is seen may have changed meanwhile.
pub(super) fn look_again(model: &mut Model, turn: &mut Turn) {
    if model.place.room() != Room::Federation {
        return;
    }
    turn.push(Effect::Call(Call::Sources));
    operations::look_again(model, turn);
    sources::watch_all(model, turn);
}
