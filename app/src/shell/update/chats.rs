//! Conversations: messages in, answers asked of the engine, branches, and what is kept of it all.

mod answers;

pub(super) use answers::{engine_gone, failed, generated, go_on, reading, stop, token};

use mtor_shared::intent::Intent;

use super::{Turn, places, shelf};
use crate::shell::{
    chat::{Conversation, ConversationId, Manner, Node, NodeId, Reply, ReplyState, edit_key, exchange},
    effect::Effect,
    event::{ChatAct, Timer},
    model::{EntryId, Model, Shared, Stage},
    place::Place,
    view::listed,
};

/// How long a removed conversation can be brought back.
const UNDO_MS: u32 = 12_000;

pub(super) fn act(model: &mut Model, turn: &mut Turn, act: ChatAct) {
    match act {
        ChatAct::AskModel(entry) => ask_model(model, turn, &entry),
        ChatAct::Edit(id, node) => {
            let text = model.chats.get(&id).and_then(|known| known.node(node)).map(|node| node.text.clone());
            if let Some(text) = text {
                draft(model, turn, edit_key(&id, node), text);
                turn.push(Effect::Focus(format!("edit-{}", node.0)));
            }
        }
        ChatAct::Edited(id, node, text) => draft(model, turn, edit_key(&id, node), text),
        ChatAct::EditDropped(id, node) => {
            undraft(model, turn, &edit_key(&id, node));
            turn.push(Effect::FocusPrompt);
        }
        ChatAct::Resend(id, node) => resend(model, turn, &id, node),
        ChatAct::Regenerate(id, node) => {
            let question = model.chats.get(&id).and_then(|known| known.node(node)?.parent);
            if let Some(question) = question {
                answer(model, turn, &id, question);
                turn.push(Effect::FocusPrompt);
            }
        }
        ChatAct::Choose(id, node) => edit(model, turn, &id, |conversation| conversation.choose(node)),
        ChatAct::Stop(id) => {
            stop(model, turn, &id);
            turn.push(Effect::FocusPrompt);
        }
        ChatAct::Rename(id, title) => edit(model, turn, &id, |conversation| {
            conversation.title = title.trim().chars().take(120).collect();
        }),
        ChatAct::Manner(id, manner) => {
            edit(model, turn, &id, |conversation| conversation.manner = limited(*manner))
        }
        ChatAct::Remove(id) => remove(model, turn, &id),
        ChatAct::Undo => undo(model, turn),
        ChatAct::Search(query) => model.chats.query = query,
        ChatAct::Export(id) => export(model, turn, id.as_ref()),
        ChatAct::Import { name, text } => import(model, turn, &name, &text),
        ChatAct::Unreadable(problem) => {
            turn.say(model, problem.to_string());
            model.chats.brought = Some(Err(problem));
        }
    }
}

/// What a person may set, within what makes sense.
fn limited(manner: Manner) -> Manner {
    Manner {
        system: manner.system.chars().take(8000).collect(),
        max_tokens: manner.max_tokens.clamp(1, 4096),
        temperature: manner.temperature.clamp(0.0, 2.0),
        top_p: manner.top_p.clamp(0.0, 1.0),
        min_p: manner.min_p.clamp(0.0, 1.0),
        top_k: manner.top_k.min(1000),
        repetition_penalty: manner.repetition_penalty.clamp(1.0, 2.0),
        ..manner
    }
}

/// Storage was read.
pub(super) fn read(model: &mut Model, turn: &mut Turn, stored: Vec<Conversation>, unreadable: usize) {
    for conversation in stored {
        if !model.chats.all.iter().any(|known| known.id == conversation.id) {
            model.chats.all.push(Shared::new(conversation.reopened()));
        }
    }
    model.chats.sort();
    if unreadable > 0 {
        let words = format!("{unreadable} stored conversations are of a form that this version cannot read.");
        model.chats.brought = Some(Ok(words));
    }
    match model.place.clone() {
        Place::Chat | Place::Talk { .. } => places::arrive(model, turn),
        _ => {}
    }
    go_on(model, turn);
}

/// What was typed and not sent was read.
pub(super) fn drafts_read(model: &mut Model, text: &str) {
    model.chats.drafts = mtor_shared::wire::read(text).unwrap_or_default();
}

/// A name that no other conversation has.
fn fresh(turn: &mut Turn) -> ConversationId {
    let [a, b, c, d, ..] = turn.stamp.random;
    let salt = u32::from_be_bytes([a, b, c, d]).wrapping_add(turn.drawn.into());
    turn.drawn = turn.drawn.wrapping_add(1);
    ConversationId(EntryId::new(turn.now_ms(), salt).0)
}

/// Makes ready for a conversation that begins with the next message.
pub(super) fn prepare(model: &mut Model, turn: &mut Turn) {
    if model.chats.next.id.0.is_empty() {
        model.chats.next = Shared::new(Conversation::new(fresh(turn), turn.now_ms()));
        // What was typed for a conversation that never began is for this one.
        if let Some(text) = model.chats.drafts.remove("") {
            model.chats.drafts.insert(model.chats.next.id.0.clone(), text);
        }
    }
}

/// The conversation that is looked at.
pub(super) fn here(model: &Model) -> Option<ConversationId> {
    match &model.place {
        Place::Chat => Some(model.chats.next.id.clone()),
        Place::Talk { id, .. } => Some(id.clone()),
        _ => None,
    }
}

/// Changes a conversation and keeps it, once there is something in it.
fn edit(model: &mut Model, turn: &mut Turn, id: &ConversationId, change: impl FnOnce(&mut Conversation)) {
    let Some(conversation) = model.chats.get_mut(id) else { return };
    change(conversation.edit());
    if !conversation.nodes.is_empty() {
        turn.push(Effect::KeepConversation(conversation.clone()));
    }
}

fn draft(model: &mut Model, turn: &mut Turn, key: String, text: String) {
    model.chats.drafts.insert(key, text);
    keep_drafts(model, turn);
}

fn undraft(model: &mut Model, turn: &mut Turn, key: &str) {
    if model.chats.drafts.remove(key).is_some() {
        keep_drafts(model, turn);
    }
}

fn keep_drafts(model: &Model, turn: &mut Turn) {
    let next = &model.chats.next.id.0;
    // The conversation to come has another name after a reload.
    let kept: std::collections::BTreeMap<&str, &str> = model
        .chats
        .drafts
        .iter()
        .map(|(key, text)| (if key == next { "" } else { key.as_str() }, text.as_str()))
        .filter(|(key, text)| !text.is_empty() || key.contains('#'))
        .collect();
    let text = if kept.is_empty() { String::new() } else { serde_json::to_string(&kept).unwrap_or_default() };
    turn.push(Effect::KeepDrafts(text));
}

/// A person typed into the prompt of a conversation.
pub(super) fn typed(model: &mut Model, turn: &mut Turn, id: ConversationId, text: String) {
    model.chats.notice = None;
    draft(model, turn, id.0, text);
}

/// A person sent what is in the prompt of a conversation.
pub(super) fn submitted(model: &mut Model, turn: &mut Turn, id: &ConversationId) {
    turn.push(Effect::FocusPrompt);
    let refused = |model: &mut Model, turn: &mut Turn, words: String| {
        turn.say(model, words.clone());
        model.chats.notice = Some(words);
    };
    let Some(conversation) = model.chats.get(id) else {
        return refused(model, turn, "This conversation is not here any more. Begin a new one.".into());
    };
    let last = conversation.last();
    if last.and_then(|last| conversation.node(last)).is_some_and(|node| node.is_open()) {
        return refused(model, turn, "The last answer is still on its way. Stop it, or wait.".into());
    }
    match Intent::text(model.chats.draft(id)) {
        Ok(intent) => {
            model.chats.notice = None;
            undraft(model, turn, &id.0);
            say(model, turn, id, last, intent.words().to_owned());
            turn.push(Effect::ShowLast);
        }
        Err(error) => refused(model, turn, error.to_string()),
    }
}

/// A person says something in answer to `parent`; the model answers that.
fn say(model: &mut Model, turn: &mut Turn, id: &ConversationId, parent: Option<NodeId>, text: String) {
    if model.chats.next.id == *id {
        let begun = std::mem::take(&mut model.chats.next);
        model.chats.all.push(begun);
        if model.place == Place::Chat {
            places::go(model, turn, Place::talk(id), true);
        }
    }
    let at_ms = turn.now_ms();
    let Some(conversation) = model.chats.get_mut(id) else { return };
    let question = conversation.edit().add(Node { parent, chosen: None, at_ms, text, reply: None });
    answer(model, turn, id, question);
}

/// The model answers a message, beside whatever it answered before.
fn answer(model: &mut Model, turn: &mut Turn, id: &ConversationId, question: NodeId) {
    let [.., a, b, c, d] = turn.stamp.random;
    let at_ms = turn.now_ms();
    let Some(by) = model.chats.get(id).map(|known| known.manner.model.clone()) else { return };
    let name = model.shelf.name(&by);
    edit(model, turn, id, |conversation| {
        let manner = &conversation.manner;
        let seed = manner.seed.unwrap_or_else(|| u32::from_be_bytes([a, b, c, d]).into());
        let reply = Reply { model: by, name, seed, left_out: 0, state: ReplyState::Waiting };
        conversation.add(Node {
            parent: Some(question),
            chosen: None,
            at_ms,
            text: String::new(),
            reply: Some(reply),
        });
    });
    go_on(model, turn);
}

fn resend(model: &mut Model, turn: &mut Turn, id: &ConversationId, node: NodeId) {
    let key = edit_key(id, node);
    let Some(text) = model.chats.drafts.get(&key) else { return };
    match Intent::text(text) {
        Ok(intent) => {
            undraft(model, turn, &key);
            let parent = model.chats.get(id).and_then(|known| known.node(node)?.parent);
            say(model, turn, id, parent, intent.words().to_owned());
            turn.push(Effect::FocusPrompt);
        }
        Err(error) => {
            let words = error.to_string();
            turn.say(model, words.clone());
            model.chats.notice = Some(words);
        }
    }
}

/// A question of the stream begins a conversation; the stream shows its answer.
fn ask_model(model: &mut Model, turn: &mut Turn, entry: &EntryId) {
    let Some(asked) = model.entry(entry) else { return };
    if !matches!(asked.stage, Stage::Asking | Stage::Unknown | Stage::Ended(_)) {
        return;
    }
    let words = asked.prompt.clone();
    let id = fresh(turn);
    model.chats.all.push(Shared::new(Conversation::new(id.clone(), turn.now_ms())));
    let told = id.clone();
    turn.edit(model, entry, |entry| entry.stage = Stage::Told(told));
    say(model, turn, &id, None, words);
    turn.push(Effect::FocusPrompt);
}

/// Removes a conversation at once; it can be brought back for a while.
fn remove(model: &mut Model, turn: &mut Turn, id: &ConversationId) {
    stop(model, turn, id);
    let Some(index) = model.chats.all.iter().position(|known| &known.id == id) else { return };
    model.chats.asked.retain(|asked| &asked.conversation != id);
    let gone = model.chats.all.remove(index);
    model.removals = model.removals.wrapping_add(1);
    model.chats.removed = Some((model.removals, gone));
    turn.ring(UNDO_MS, Timer::ConversationGoes { token: model.removals });
    turn.push(Effect::ForgetConversation(id.clone()));
    turn.say(model, "Conversation removed. It can be undone.");
    if here(model).as_ref() == Some(id) {
        places::go(model, turn, Place::Chat, false);
        places::arrive(model, turn);
    }
}

fn undo(model: &mut Model, turn: &mut Turn) {
    let Some((_, conversation)) = model.chats.removed.take() else { return };
    let id = conversation.id.clone();
    turn.push(Effect::KeepConversation(conversation.clone()));
    model.chats.all.push(conversation);
    model.chats.sort();
    turn.say(model, "Brought back.");
    if model.place == Place::Chat {
        places::go(model, turn, Place::talk(&id), false);
        places::arrive(model, turn);
    }
}

/// A removed conversation can no longer be brought back.
pub(super) fn goes(model: &mut Model, token: u32) {
    if model.chats.removed.as_ref().is_some_and(|(removal, _)| *removal == token) {
        model.chats.removed = None;
    }
}

fn export(model: &mut Model, turn: &mut Turn, id: Option<&ConversationId>) {
    let chosen = model.chats.all.iter().filter(|known| id.is_none_or(|id| &known.id == id));
    let text = exchange::write(chosen, turn.now_ms());
    let name = match id.and_then(|id| model.chats.get(id)) {
        Some(conversation) => format!("{}.mtor.json", file_name(&conversation.name())),
        None => "conversations.mtor.json".to_owned(),
    };
    turn.push(Effect::Save { name, text });
}

/// Letters, digits and hyphens of a title.
fn file_name(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words.collect::<Vec<_>>().join("-").chars().take(60).collect();
    if name.is_empty() { "conversation".to_owned() } else { name.to_lowercase() }
}

fn import(model: &mut Model, turn: &mut Turn, name: &str, text: &str) {
    let read = match exchange::read(name, text) {
        Ok(read) => read,
        Err(problem) => {
            turn.say(model, problem.to_string());
            model.chats.brought = Some(Err(problem));
            return;
        }
    };
    let (mut taken, mut known) = (0, 0);
    for mut conversation in read {
        let text = |conversation: &Conversation| serde_json::to_string(conversation).unwrap_or_default();
        match model.chats.get(&conversation.id) {
            Some(here) if text(here) == text(&conversation) => {
                known += 1;
                continue;
            }
            // Another one of that name is here: both stay.
            Some(_) => conversation.id = fresh(turn),
            None => {}
        }
        taken += 1;
        let conversation = Shared::new(conversation);
        turn.push(Effect::KeepConversation(conversation.clone()));
        model.chats.all.push(conversation);
    }
    model.chats.sort();
    let counted = |count: usize| match count {
        1 => "1 conversation".to_owned(),
        count => format!("{count} conversations"),
    };
    let mut parts = Vec::new();
    if taken > 0 || known == 0 {
        parts.push(format!("{} imported", counted(taken)));
    }
    if known > 0 {
        parts.push(format!("{} already here", counted(known)));
    }
    let words = format!("{}.", listed(&parts));
    turn.say(model, words.clone());
    model.chats.brought = Some(Ok(words));
    go_on(model, turn);
}

/// The person is where conversations are.
pub(super) fn arrived(model: &mut Model, turn: &mut Turn) {
    prepare(model, turn);
    model.chats.notice = None;
    // A message that was looked for gets the keyboard, so that it is seen where it is.
    if !matches!(&model.place, Place::Talk { at: Some(_), .. }) {
        turn.push(Effect::FocusPrompt);
    }
    if let Place::Talk { id, at } = model.place.clone() {
        match at {
            Some(at) => {
                let hidden = model.chats.get(&id).is_some_and(|known| !known.path().contains(&at));
                if hidden {
                    edit(model, turn, &id, |conversation| conversation.choose(at));
                }
                turn.push(Effect::Focus(format!("message-{}", at.0)));
            }
            None => turn.push(Effect::ShowLast),
        }
    } else {
        turn.push(Effect::ShowTop);
    }
    // It takes a while to load: begin now, so that the first answer does not wait for it.
    let wanted = here(model).and_then(|id| model.chats.get(&id)).map(|known| known.manner.model.clone());
    if let Some(wanted) = wanted {
        shelf::load_if_stored(model, turn, &wanted);
    }
}
