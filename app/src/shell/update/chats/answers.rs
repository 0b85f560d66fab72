//! Answers: asked of the engine when their model is there, asked again when the engine was lost, stopped on demand.

use mtor_shared::{
    engine::{Command, JobId},
    generation::{Answer, End, Prompt, Request},
    model::ModelId,
    problem::{Problem, ProblemCode},
};

use super::edit;
use crate::shell::{
    chat::{Asked, ConversationId, NodeId, Reply, ReplyState, window::window},
    effect::Effect,
    model::Model,
    update::{Turn, shelf},
};

/// How often an answer that is being written is kept.
const KEEP_MS: u64 = 1_500;

/// Everything that waits for a model that is there goes on; a model that is stored and asked for is loaded.
pub(crate) fn go_on(model: &mut Model, turn: &mut Turn) {
    let mut waiting = Vec::new();
    for conversation in &model.chats.all {
        for (number, node) in (0u32..).zip(&conversation.nodes) {
            let Some(reply) = &node.reply else { continue };
            let node = NodeId(number);
            if reply.state == ReplyState::Waiting && asked_for(model, &conversation.id, node).is_none() {
                waiting.push((conversation.id.clone(), node, reply.model.clone()));
            }
        }
    }
    for (conversation, node, by) in waiting {
        if model.shelf.is_loaded(&by) {
            ask(model, turn, &conversation, node);
        } else {
            shelf::load_if_stored(model, turn, &by);
        }
    }
}

fn asked_for<'a>(model: &'a Model, conversation: &ConversationId, node: NodeId) -> Option<&'a Asked> {
    model.chats.asked.iter().find(|asked| &asked.conversation == conversation && asked.node == node)
}

fn reply<'a>(model: &'a Model, conversation: &ConversationId, node: NodeId) -> Option<&'a Reply> {
    model.chats.get(conversation)?.node(node)?.reply.as_ref()
}

/// Asks the engine for an answer.
fn ask(model: &mut Model, turn: &mut Turn, conversation: &ConversationId, node: NodeId) {
    let Some(known) = model.chats.get(conversation) else { return };
    let Some((question, reply)) = known.node(node).and_then(|node| Some((node.parent?, node.reply.clone()?)))
    else {
        return;
    };
    let shown = window(known, question, reply.left_out);
    let request = Request {
        prompt: Prompt::Messages { messages: shown.messages },
        max_tokens: known.manner.max_tokens,
        sampling: known.manner.sampling(reply.seed),
        stop: Vec::new(),
        schema: None,
    };
    model.engine.jobs = model.engine.jobs.wrapping_add(1);
    let job = JobId(model.engine.jobs);
    model.chats.asked.push(Asked {
        job,
        conversation: conversation.clone(),
        node,
        kept_at_ms: turn.now_ms(),
        stopping: false,
    });
    let left_out = shown.left_out;
    change(model, conversation, node, |_, reply| reply.left_out = left_out);
    turn.push(Effect::TellEngine(Command::Generate { job, model: reply.model, request }));
}

/// Changes an answer without keeping it.
fn change(
    model: &mut Model,
    conversation: &ConversationId,
    node: NodeId,
    change: impl FnOnce(&mut String, &mut Reply),
) {
    let Some(conversation) = model.chats.get_mut(conversation) else { return };
    if let Some(node) = conversation.edit().edit(node)
        && let Some(reply) = &mut node.reply
    {
        change(&mut node.text, reply);
    }
}

fn keep(model: &Model, turn: &mut Turn, conversation: &ConversationId) {
    if let Some(conversation) = model.chats.get(conversation) {
        turn.push(Effect::KeepConversation(conversation.clone()));
    }
}

fn find(model: &Model, job: JobId) -> Option<(ConversationId, NodeId)> {
    let asked = model.chats.asked.iter().find(|asked| asked.job == job)?;
    Some((asked.conversation.clone(), asked.node))
}

fn take(model: &mut Model, job: JobId) -> Option<Asked> {
    let index = model.chats.asked.iter().position(|asked| asked.job == job)?;
    Some(model.chats.asked.remove(index))
}

/// The engine reads the conversation.
pub(crate) fn reading(model: &mut Model, job: JobId, done: u32, total: u32) {
    let Some((conversation, node)) = find(model, job) else { return };
    change(model, &conversation, node, |_, reply| {
        if !matches!(reply.state, ReplyState::Writing) {
            reply.state = ReplyState::Reading { done, total };
        }
    });
}

/// The engine has written more.
pub(crate) fn token(model: &mut Model, turn: &mut Turn, job: JobId, piece: &str) {
    let Some((conversation, node)) = find(model, job) else { return };
    let mut begins = false;
    change(model, &conversation, node, |text, reply| {
        if !matches!(reply.state, ReplyState::Writing) {
            // What an engine that was lost had written is written again.
            begins = true;
            text.clear();
            reply.state = ReplyState::Writing;
        }
        text.push_str(piece);
    });
    if begins {
        turn.say(model, "The model answers.");
    }
    let now_ms = turn.now_ms();
    let Some(asked) = model.chats.asked.iter_mut().find(|asked| asked.job == job) else { return };
    if begins || now_ms.saturating_sub(asked.kept_at_ms) >= KEEP_MS {
        asked.kept_at_ms = now_ms;
        keep(model, turn, &conversation);
    }
}

/// The engine is done with an answer.
pub(crate) fn generated(model: &mut Model, turn: &mut Turn, job: JobId, answer: Answer) {
    let Some(Asked { conversation, node, .. }) = take(model, job) else { return };
    let mut all = String::new();
    let Answer { text: rest, end, usage } = answer;
    change(model, &conversation, node, |text, reply| {
        if !matches!(reply.state, ReplyState::Writing) {
            text.clear();
        }
        text.push_str(&rest);
        reply.state = ReplyState::Over { end, usage };
        all.clone_from(text);
    });
    keep(model, turn, &conversation);
    let words = match end {
        End::Stopped => "Stopped.".to_owned(),
        // A screen reader says it once, whole.
        _ => all.chars().take(2000).collect(),
    };
    turn.say(model, words);
}

/// The engine does not answer.
pub(crate) fn failed(model: &mut Model, turn: &mut Turn, job: JobId, problem: Problem) {
    let Some(Asked { conversation, node, stopping, .. }) = take(model, job) else { return };
    let Some(reply) = reply(model, &conversation, node) else { return };
    let (by, left_out) = (reply.model.clone(), reply.left_out);
    match problem.code {
        ProblemCode::TooLarge if !stopping => {
            // Less of the conversation may fit.
            let question = model.chats.get(&conversation).and_then(|known| known.node(node)?.parent);
            let known = model.chats.get(&conversation);
            let less = question.zip(known).map(|(question, known)| window(known, question, left_out + 1));
            if less.is_some_and(|less| less.left_out > left_out) {
                change(model, &conversation, node, |_, reply| {
                    reply.left_out = left_out + 1;
                    reply.state = ReplyState::Waiting;
                });
                return ask(model, turn, &conversation, node);
            }
        }
        // It was taken out of memory for another one: once more, when it is back.
        ProblemCode::NotFound | ProblemCode::BadRequest
            if is_out_of_memory(model, &by, &problem) && !stopping =>
        {
            model.shelf.loads.remove(&by);
            change(model, &conversation, node, |_, reply| reply.state = ReplyState::Waiting);
            return shelf::load(model, turn, &by);
        }
        _ => {}
    }
    turn.say(model, problem.to_string());
    edit(model, turn, &conversation, |conversation| {
        if let Some(reply) = conversation.edit(node).and_then(|node| node.reply.as_mut()) {
            reply.state = ReplyState::Failed { problem };
        }
    });
}

/// Whether an answer failed because its model is not in memory, and may be again.
fn is_out_of_memory(model: &Model, by: &ModelId, problem: &Problem) -> bool {
    let in_memory = model.shelf.presence(by).is_some_and(|presence| presence.loaded_bytes.is_some());
    match problem.code {
        ProblemCode::NotFound => model.shelf.is_loaded(by),
        _ => model.shelf.is_stored(by) && !in_memory,
    }
}

/// The engine is gone: what it was at is asked again when there is another.
pub(crate) fn engine_gone(model: &mut Model, turn: &mut Turn) {
    for Asked { conversation, node, stopping, .. } in std::mem::take(&mut model.chats.asked) {
        change(model, &conversation, node, |_, reply| {
            reply.state =
                if stopping { ReplyState::Failed { problem: stopped() } } else { ReplyState::Waiting };
        });
        keep(model, turn, &conversation);
    }
}

fn stopped() -> Problem {
    Problem::retryable(ProblemCode::Stopped, "Stopped.", "")
}

/// Stops whatever answer is on its way in a conversation.
pub(crate) fn stop(model: &mut Model, turn: &mut Turn, id: &ConversationId) {
    let Some(conversation) = model.chats.get(id) else { return };
    let numbered = (0u32..).zip(&conversation.nodes);
    let open: Vec<NodeId> =
        numbered.filter(|(_, node)| node.is_open()).map(|(number, _)| NodeId(number)).collect();
    for node in open {
        let asked =
            model.chats.asked.iter_mut().find(|asked| asked.conversation == *id && asked.node == node);
        match asked {
            Some(asked) if asked.stopping => {}
            Some(asked) => {
                asked.stopping = true;
                turn.push(Effect::TellEngine(Command::Cancel { job: asked.job }));
            }
            None => {
                change(model, id, node, |_, reply| reply.state = ReplyState::Failed { problem: stopped() });
                keep(model, turn, id);
                turn.say(model, "Stopped.");
            }
        }
    }
}
