//! Runs: started, listened to through broken connections, stopped, tried again. Every chunk counts once.

use mtor_shared::{
    capability::SideEffect,
    problem::{Problem, ProblemCode},
    run::RunId,
    stream::{Folded, RunStatus, RunView},
};

use super::{Turn, back_off_ms, entries_where, joining, realm, routing, sentences};
use crate::shell::{
    effect::{Effect, OpenRun},
    event::{RunNews, Timer},
    model::{Choice, EntryId, Link, Model, RealmState, Stage, Step},
};

/// How long a stopped run may take to say so.
const STOP_PATIENCE_MS: u32 = 3_000;

/// Asks the realm for a new run.
pub(super) fn start(model: &mut Model, turn: &mut Turn, id: &EntryId, choice: Choice) {
    let run = turn.fresh_run();
    let open = OpenRun::Ask(choice.request(run.clone()));
    let since_ms = turn.now_ms();
    let step =
        Step::Running { run: RunView::new(run), since_ms, connection: 0, link: Link::Open, stopping: false };
    turn.push(Effect::OpenRun { connection: 0, open });
    let words = format!("Asking {}.", choice.provider.name);
    turn.edit(model, id, |entry| entry.stage = Stage::Chosen(choice, step));
    turn.say(model, words);
}

/// A connection said something.
pub(super) fn news(model: &mut Model, turn: &mut Turn, run: &RunId, connection: u32, news: RunNews) {
    let Some(id) = listening(model, run, Some(connection)) else { return };
    match news {
        RunNews::Chunk(chunk) => {
            let mut folded = Folded::Stale;
            turn.edit(model, &id, |entry| {
                if let Stage::Chosen(_, Step::Running { run, link, .. }) = &mut entry.stage {
                    folded = run.fold(*chunk);
                    *link = Link::Open;
                }
            });
            if folded == Folded::Gap {
                open_again(model, turn, &id, 0);
            }
            finish_if_over(model, turn, &id);
        }
        RunNews::Lost => lost(model, turn, &id),
        RunNews::Refused(problem) => end_with(model, turn, &id, problem),
    }
}

/// The connection broke: try again soon, and find out whether the realm is there at all.
fn lost(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let now_ms = turn.now_ms();
    let mut ring = None;
    turn.edit(model, id, |entry| {
        if let Stage::Chosen(_, Step::Running { run, connection, link, .. }) = &mut entry.stage {
            let attempt = match link {
                Link::Open => 1,
                Link::Lost { attempt, .. } | Link::Reopening { attempt } => attempt.saturating_add(1),
            };
            let after_ms = back_off_ms(attempt);
            *link = Link::Lost { attempt, retry_at_ms: now_ms + u64::from(after_ms) };
            ring = Some((after_ms, Timer::Run { run: run.id.clone(), connection: *connection }, attempt));
        }
    });
    let Some((after_ms, timer, attempt)) = ring else { return };
    turn.ring(after_ms, timer);
    if attempt == 1 {
        turn.say(model, "The connection broke. Reconnecting.");
        if model.realm.state == RealmState::Online {
            realm::ask(model, turn);
        }
    }
}

/// It is time for another try.
pub(super) fn rang(model: &mut Model, turn: &mut Turn, run: &RunId, connection: u32) {
    if let Some(id) = listening(model, run, Some(connection)) {
        reconnect(model, turn, &id);
    }
}

/// Opens a broken connection now.
pub(super) fn reconnect(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let Some(entry) = model.entry(id) else { return };
    if let Stage::Chosen(_, Step::Running { link: Link::Lost { attempt, .. }, .. }) = &entry.stage {
        let attempt = *attempt;
        open_again(model, turn, id, attempt);
    }
}

/// Opens every broken connection now.
pub(super) fn reconnect_all(model: &mut Model, turn: &mut Turn) {
    let broken =
        |stage: &Stage| matches!(stage, Stage::Chosen(_, Step::Running { link: Link::Lost { .. }, .. }));
    for id in entries_where(model, |entry| broken(&entry.stage)) {
        reconnect(model, turn, &id);
    }
}

/// Opens the connection of a run that was going on when the page was left.
pub(super) fn resume(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    open_again(model, turn, id, 0);
}

fn open_again(model: &mut Model, turn: &mut Turn, id: &EntryId, attempt: u32) {
    let mut open = None;
    turn.edit(model, id, |entry| {
        if let Stage::Chosen(choice, Step::Running { run, connection, link, .. }) = &mut entry.stage {
            *connection = connection.wrapping_add(1);
            *link = Link::Reopening { attempt };
            let how = match run.next_seq.checked_sub(1) {
                Some(after) => OpenRun::Resume { run: run.id.clone(), after },
                None => OpenRun::Ask(choice.request(run.id.clone())),
            };
            open = Some(Effect::OpenRun { connection: *connection, open: how });
        }
    });
    if let Some(effect) = open {
        turn.push(effect);
    }
}

/// A person stops it, whatever it is at.
pub(super) fn stop(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let Some(entry) = model.entry(id) else { return };
    match &entry.stage {
        Stage::Routing(_) => {
            sentences::drop(model, turn, id);
            turn.edit(model, id, |entry| entry.stage = Stage::Ended(stopped("")));
            turn.say(model, "Stopped.");
        }
        Stage::Chosen(_, Step::Running { run, stopping: false, .. }) => {
            let run = run.id.clone();
            turn.edit(model, id, |entry| {
                if let Stage::Chosen(_, Step::Running { stopping, .. }) = &mut entry.stage {
                    *stopping = true;
                }
            });
            turn.push(Effect::StopRun(run.clone()));
            turn.ring(STOP_PATIENCE_MS, Timer::Stop { run });
        }
        _ => {}
    }
}

/// The realm took a stop, or it could not be told.
pub(super) fn stop_answered(model: &mut Model, turn: &mut Turn, run: &RunId, taken: bool) {
    if !taken && let Some(id) = listening(model, run, None) {
        end_with(model, turn, &id, stopped("The realm could not be told; it may finish the work unseen."));
    }
}

/// A stopped run did not say so: it is over here all the same.
pub(super) fn stop_overdue(model: &mut Model, turn: &mut Turn, run: &RunId) {
    if let Some(id) = listening(model, run, None) {
        end_with(model, turn, &id, stopped(""));
    }
}

fn stopped(advice: &str) -> Problem {
    Problem::retryable(ProblemCode::Stopped, "Stopped.", advice)
}

/// Asks the same again: as a new run where it is known what answers, from the words otherwise.
pub(super) fn retry(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let Some(entry) = model.entry(id) else { return };
    match &entry.stage {
        Stage::Chosen(choice, Step::Over { .. }) => {
            let choice = choice.clone();
            if choice.effect == SideEffect::Read {
                start(model, turn, id, choice);
            } else {
                turn.edit(model, id, |entry| entry.stage = Stage::Chosen(choice, Step::Confirm));
            }
        }
        Stage::Ended(_) | Stage::Unknown => routing::route(model, turn, id),
        _ => {}
    }
}

fn end_with(model: &mut Model, turn: &mut Turn, id: &EntryId, problem: Problem) {
    turn.edit(model, id, |entry| {
        if let Stage::Chosen(_, Step::Running { run, .. }) = &mut entry.stage {
            run.status = RunStatus::Failed { problem, exchanges: Vec::new() };
        }
    });
    finish_if_over(model, turn, id);
}

fn finish_if_over(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let Some(entry) = model.entry(id) else { return };
    let Stage::Chosen(choice, Step::Running { run, .. }) = &entry.stage else { return };
    let words = match &run.status {
        RunStatus::Waiting | RunStatus::Running => return,
        RunStatus::Finished { receipt } => {
            format!("{}: answered by {} in {} ms.", choice.title, receipt.who, receipt.elapsed_ms)
        }
        RunStatus::Failed { problem, .. } => format!("{}: {problem}", choice.title),
    };
    turn.push(Effect::CloseRun(run.id.clone()));
    turn.edit(model, id, |entry| {
        if let Stage::Chosen(_, step) = &mut entry.stage
            && let Step::Running { run, .. } = step
        {
            *step = Step::Over { run: run.clone() };
        }
    });
    turn.say(model, words);
    joining::part_changed(model, turn, id);
}

/// The entry whose run is listened to; with a connection, only while that one is the current one.
fn listening(model: &Model, run: &RunId, connection: Option<u32>) -> Option<EntryId> {
    let entry = model.entries.iter().rev().find(|entry| entry.run().is_some_and(|view| &view.id == run))?;
    match &entry.stage {
        Stage::Chosen(_, Step::Running { connection: current, .. })
            if connection.is_none_or(|connection| connection == *current) =>
        {
            Some(entry.id.clone())
        }
        _ => None,
    }
}
