//! What sources are called with. Secrets pass through and are kept nowhere here.

use mtor_shared::{
    credential::{AddCredential, Credential, Standing},
    problem::Problem,
};

use super::Turn;
use crate::shell::{
    effect::Effect,
    federation::{Answer, Call},
    model::{Model, Shared},
};

pub(super) fn listed(model: &mut Model, result: Result<Answer, Problem>) {
    match result {
        Ok(Answer::Credentials(credentials)) => keep(model, credentials),
        Ok(_) => {}
        Err(problem) => model.federation.credential_trouble = Some(problem),
    }
}

fn keep(model: &mut Model, credentials: Vec<Credential>) {
    if *model.federation.credentials != credentials {
        model.federation.credentials = Shared::new(credentials);
    }
}

/// A person gives one.
pub(super) fn give(model: &mut Model, turn: &mut Turn, credential: AddCredential) {
    model.federation.credential_trouble = None;
    turn.push(Effect::Call(Call::AddCredential(credential)));
}

pub(super) fn added(model: &mut Model, turn: &mut Turn, result: Result<Answer, Problem>) {
    match result {
        Ok(_) => {
            model.federation.credentials_taken = model.federation.credentials_taken.wrapping_add(1);
            turn.push(Effect::Call(Call::Credentials));
            super::operations::request_again(model, turn);
            turn.say(model, "The realm keeps it, encrypted.");
        }
        Err(problem) => {
            turn.say(model, problem.to_string());
            model.federation.credential_trouble = Some(problem);
        }
    }
}

pub(super) fn deleted(model: &mut Model, turn: &mut Turn, result: Result<Answer, Problem>) {
    match result {
        Ok(_) => turn.say(model, "Removed. It is used no more."),
        Err(problem) => model.federation.credential_trouble = Some(problem),
    }
    turn.push(Effect::Call(Call::Credentials));
}

/// Whether the person has to agree somewhere before something can be used.
pub(super) fn waits(model: &Model) -> bool {
    model.federation.credentials.iter().any(|known| matches!(known.standing, Standing::Waiting { .. }))
}
