//! The one place where the realm turns text into vectors: a thread of its own that loads the model when it is first
//! needed. Whoever waits for an answer comes before what is computed for later.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use mtor_shared::problem::{Problem, ProblemCode};
use tokio::sync::oneshot;

/// Turns sentences into unit vectors; made when the first sentence is asked for, since that loads weights.
pub type EmbedFn = Box<dyn FnMut(&[&str]) -> Result<Vec<Vec<f32>>, String>>;

/// Makes an [`EmbedFn`]; called on the engine's own thread.
pub type LoadEmbedder = Box<dyn FnOnce() -> Result<EmbedFn, String> + Send>;

/// Sentences that are embedded at a time when somebody may be waiting for the next.
const BATCH: usize = 8;

type Answer = Result<Vec<Vec<f32>>, Problem>;

struct Job {
    texts: Vec<String>,
    answer: oneshot::Sender<Answer>,
}

#[derive(Default)]
struct Queues {
    soon: VecDeque<Job>,
    later: VecDeque<Job>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queues: Mutex<Queues>,
    wake: Condvar,
}

/// Ends the thread when nobody can ask any more.
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        lock(&self.0.queues).closed = true;
        self.0.wake.notify_one();
    }
}

/// See the module.
#[derive(Clone)]
pub struct Engine {
    thread: Result<Arc<Handle>, Problem>,
}

impl Engine {
    /// Starts the thread, where there is an engine.
    pub fn start(load: Result<LoadEmbedder, Problem>) -> Self {
        let thread = load.and_then(|load| {
            let shared = Arc::new(Shared::default());
            let own = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("embedder".to_owned())
                .spawn(move || work(&own, load))
                .map_err(|error| failed(&error.to_string()))?;
            Ok(Arc::new(Handle(shared)))
        });
        Self { thread }
    }

    /// Whether there is one. It may still fail when its weights are read.
    pub fn is_there(&self) -> bool {
        self.thread.is_ok()
    }

    /// Embeds when nothing more urgent is there. One unit vector a text.
    ///
    /// # Errors
    /// There is no engine, or it fails.
    pub async fn embed(&self, texts: Vec<String>) -> Answer {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            vectors.extend(self.ask(batch.to_vec(), |queues| &mut queues.later).await?);
        }
        Ok(vectors)
    }

    /// Embeds next: somebody waits.
    ///
    /// # Errors
    /// As [`Engine::embed`].
    pub async fn embed_soon(&self, texts: Vec<String>) -> Answer {
        self.ask(texts, |queues| &mut queues.soon).await
    }

    async fn ask(&self, texts: Vec<String>, queue: fn(&mut Queues) -> &mut VecDeque<Job>) -> Answer {
        let Handle(shared) = &**self.thread.as_ref().map_err(Clone::clone)?;
        let count = texts.len();
        let (answer, wait) = oneshot::channel();
        queue(&mut lock(&shared.queues)).push_back(Job { texts, answer });
        shared.wake.notify_one();
        let vectors = wait.await.map_err(|_| failed("the engine ended"))??;
        if vectors.len() == count { Ok(vectors) } else { Err(failed("a sentence has no vector")) }
    }
}

fn work(shared: &Shared, load: LoadEmbedder) {
    let Some(first) = next(shared) else { return };
    let mut job = Some(first);
    let mut embed = load();
    while let Some(Job { texts, answer }) = job.take().or_else(|| next(shared)) {
        // Who does not wait any more gets nothing computed.
        if answer.is_closed() {
            continue;
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let outcome = match &mut embed {
            Ok(embed) => embed(&texts).map_err(|error| failed(&error)),
            Err(error) => Err(failed(error)),
        };
        // The asker may be gone by now.
        let _ = answer.send(outcome);
    }
}

fn next(shared: &Shared) -> Option<Job> {
    let mut queues = lock(&shared.queues);
    loop {
        if queues.closed {
            return None;
        }
        let job = queues.soon.pop_front();
        if let Some(job) = job.or_else(|| queues.later.pop_front()) {
            return Some(job);
        }
        queues = shared.wake.wait(queues).unwrap_or_else(PoisonError::into_inner);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(why: &str) -> Problem {
    Problem::new(
        ProblemCode::Unsupported,
        format!("The realm cannot compute meanings: {why}."),
        "Matching by words still works.",
    )
}
