//! The thread of a language model: it belongs to one thread, and answers one conversation after the other.

use std::path::Path;

use mtor_inference::{
    clock,
    generate::{Step, TextModel},
    text_model,
};
use mtor_shared::{
    engine::BackendPreference,
    generation::{End, Request},
    problem::{Problem, ProblemCode},
};
use tokio::sync::mpsc;

use super::{
    ProviderError,
    chat::{Chunk, Finish, Usage},
    native::Job,
};

/// Conversations that wait for the one that is being answered.
const WAITING: usize = 16;

fn finish(end: End) -> Finish {
    match end {
        End::Complete | End::StopString | End::Stopped => Finish::Stop,
        End::MaxTokens | End::Context => Finish::Length,
    }
}

fn refused(problem: &Problem) -> ProviderError {
    match problem.code {
        ProblemCode::BadRequest | ProblemCode::BadArgument | ProblemCode::TooLarge => {
            ProviderError::Invalid(problem.to_string())
        }
        _ => ProviderError::NotSetUp(problem.title.clone()),
    }
}

/// Starts it; none where the system gives no thread.
pub(super) fn start(models: &Path, id: &'static str) -> Option<mpsc::Sender<Job>> {
    let (jobs, queue) = mpsc::channel(WAITING);
    let models = models.to_owned();
    let runtime = tokio::runtime::Handle::try_current().ok()?;
    let thread = std::thread::Builder::new().name("language-model".to_owned());
    match thread.spawn(move || work(&models, id, queue, &runtime)) {
        Ok(_) => Some(jobs),
        Err(error) => {
            tracing::warn!(%error, "the language model has no thread");
            None
        }
    }
}

fn work(models: &Path, id: &str, mut queue: mpsc::Receiver<Job>, runtime: &tokio::runtime::Handle) {
    // Weights are read when somebody asks: a realm that nobody chats with does not hold them.
    let Some(first) = queue.blocking_recv() else { return };
    let mut job = Some(first);
    let mut model = runtime.block_on(text_model(models, id, BackendPreference::Cpu));
    while let Some(Job { request, pieces }) = job.take().or_else(|| queue.blocking_recv()) {
        let result = match &mut model {
            Ok(model) => answer(model, &request, &pieces, runtime),
            Err(problem) => Err(refused(problem)),
        };
        if let Err(error) = result {
            // Who does not wait any more needs no answer.
            let _ = pieces.blocking_send(Err(error));
        }
    }
}

fn answer(
    model: &mut TextModel,
    request: &Request,
    pieces: &mpsc::Sender<Result<Chunk, ProviderError>>,
    runtime: &tokio::runtime::Handle,
) -> Result<(), ProviderError> {
    let mut generation = model.begin(request, clock).map_err(|problem| refused(&problem))?;
    loop {
        if pieces.is_closed() {
            return Ok(());
        }
        match runtime.block_on(model.step(&mut generation)).map_err(|problem| refused(&problem))? {
            Step::Reading { .. } => {}
            Step::Token { text, .. } if text.is_empty() => {}
            Step::Token { text, .. } => {
                if pieces.blocking_send(Ok(Chunk::Text(text))).is_err() {
                    return Ok(());
                }
            }
            Step::Ended(ended) => {
                if !ended.text.is_empty() {
                    // A reader that is gone is noticed by the next line too.
                    let _ = pieces.blocking_send(Ok(Chunk::Text(ended.text)));
                }
                let usage = Usage {
                    input: u64::from(ended.usage.prompt_tokens),
                    cached: u64::from(ended.usage.remembered_tokens),
                    output: u64::from(ended.usage.answer_tokens),
                };
                let end = Chunk::End { finish: finish(ended.end), usage: Some(usage) };
                let _ = pieces.blocking_send(Ok(end));
                return Ok(());
            }
        }
    }
}
