//! Gets a model file into the browser: from the store if it is there, else from the realm at
//! `/models/sha256/<hash>`, resumed after a break and verified while it arrives.

use js_sys::{Array, Promise, Uint8Array};
use mtor_shared::{
    engine::LoadPhase,
    model::ModelFile,
    problem::{Problem, ProblemCode},
};
use sha2::{Digest, Sha256};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, Request, RequestCache, RequestInit, Response};

use super::{
    abort::Abort,
    port::{now_ms, scope, sleep, timer, words},
    stopped,
    store::{BlobSource, Refusal, Store, Writer},
};
use crate::weights::hexadecimal;

/// Tries in a row that bring not one byte.
const TRIES: u32 = 6;
/// The wait before the second try; it doubles from try to try.
const FIRST_WAIT_MS: i32 = 500;
/// A connection that is silent for so long is given up and made anew.
const SILENCE_MS: i32 = 20_000;
/// Bytes hashed between two reports.
const CHUNK: usize = 1 << 20;
/// Looks at a file that another tab is downloading.
const LOOK_MS: i32 = 500;

/// A file that has the right hash.
pub(super) struct Found {
    pub(super) source: BlobSource,
    /// Whether it is there at the next visit.
    pub(super) stored: bool,
    pub(super) download_ms: f64,
    pub(super) verify_ms: f64,
}

/// Finds or fetches `file`; `report` is told the phase and the bytes of this file that are done in it. `signal` ends
/// it; what has arrived by then stays.
pub(super) async fn obtain(
    file: &ModelFile,
    signal: &Abort,
    report: &mut dyn FnMut(LoadPhase, u64),
) -> Result<Found, Problem> {
    let store = Store::open().await;
    let mut sink = match &store {
        None => Sink::Memory(Array::new()),
        Some(store) => match wait_for(store, file, signal, report).await? {
            Held::Complete(found) => return Ok(found),
            Held::Open(writer) => Sink::Stored(writer),
            Held::Nothing => Sink::Memory(Array::new()),
        },
    };
    let mut spent = Spent::default();
    let started = now_ms();
    let mut progress = sink.resume(file, signal, report).await?;
    spent.verify_ms = now_ms() - started;

    for last in [false, true] {
        let started = now_ms();
        fetch(file, signal, &mut sink, &mut progress, report).await?;
        spent.download_ms += now_ms() - started;
        if hexadecimal(std::mem::take(&mut progress.digest)) == file.sha256 {
            break;
        }
        sink.empty();
        progress = Progress::default();
        if last {
            return Err(Problem::retryable(
                ProblemCode::HashMismatch,
                format!("The realm sent a {} that is not the one that the model needs.", file.name),
                "Run `cargo xtask models` on the realm's machine, then load the model again.",
            ));
        }
    }

    let Spent { download_ms, verify_ms } = spent;
    match (sink, &store) {
        (Sink::Stored(writer), Some(store)) => {
            drop(writer);
            match store.note_verified(file).await {
                Some(stored) => {
                    Ok(Found { source: BlobSource::stored(stored), stored: true, download_ms, verify_ms })
                }
                None => Err(Problem::retryable(
                    ProblemCode::StorageFull,
                    format!("The browser does not give {} back after storing it.", file.name),
                    "Free some disk space and load the model again.",
                )),
            }
        }
        (Sink::Memory(parts), store) => {
            // What had been stored before the room ran out helps nobody any more.
            if let Some(store) = store {
                store.delete(file).await;
            }
            Ok(Found { source: BlobSource::kept(&parts)?, stored: false, download_ms, verify_ms })
        }
        (Sink::Stored(_), None) => {
            Err(Problem::new(ProblemCode::Internal, "A file is stored without a store.", ""))
        }
    }
}

#[derive(Default)]
struct Spent {
    download_ms: f64,
    verify_ms: f64,
}

enum Held {
    Complete(Found),
    Open(Writer),
    Nothing,
}

/// The file if it is complete, or the right to write it. While another tab downloads it, its progress is reported.
async fn wait_for(
    store: &Store,
    file: &ModelFile,
    signal: &Abort,
    report: &mut dyn FnMut(LoadPhase, u64),
) -> Result<Held, Problem> {
    let started = now_ms();
    let (mut seen, mut grown) = (-1.0, started);
    loop {
        if signal.aborted() {
            return Err(stopped());
        }
        if let Some(stored) = store.verified(file).await {
            report(LoadPhase::Download, file.bytes);
            let download_ms = if seen < 0.0 { 0.0 } else { now_ms() - started };
            let source = BlobSource::stored(stored);
            return Ok(Held::Complete(Found { source, stored: true, download_ms, verify_ms: 0.0 }));
        }
        match store.writer(file).await {
            Ok(writer) => return Ok(Held::Open(writer)),
            Err(Refusal::Unavailable) => return Ok(Held::Nothing),
            Err(Refusal::Busy) => {}
        }
        let size = store.size(file).await;
        if size != seen {
            (seen, grown) = (size, now_ms());
        }
        // The other tab is stuck: this one gets its own copy and keeps it in memory.
        if now_ms() - grown > f64::from(2 * SILENCE_MS) {
            return Ok(Held::Nothing);
        }
        report(LoadPhase::Download, size as u64);
        sleep(LOOK_MS).await;
    }
}

/// How far a file is.
#[derive(Default)]
struct Progress {
    bytes: u64,
    digest: Sha256,
}

/// Where bytes go as they arrive.
enum Sink {
    Stored(Writer),
    /// `Uint8Array`s, which lie outside wasm's memory.
    Memory(Array),
}

impl Sink {
    /// Hashes what an earlier visit left behind.
    async fn resume(
        &self,
        file: &ModelFile,
        signal: &Abort,
        report: &mut dyn FnMut(LoadPhase, u64),
    ) -> Result<Progress, Problem> {
        let mut progress = Progress::default();
        let Self::Stored(writer) = self else { return Ok(progress) };
        if writer.size() > file.bytes {
            writer.truncate();
        }
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = writer.read(progress.bytes, &mut chunk);
            if count == 0 {
                return Ok(progress);
            }
            if signal.aborted() {
                return Err(stopped());
            }
            progress.digest.update(&chunk[..count]);
            progress.bytes += count as u64;
            report(LoadPhase::Verify, progress.bytes);
            super::port::breathe().await;
        }
    }

    fn empty(&mut self) {
        match self {
            Self::Stored(writer) => writer.truncate(),
            Self::Memory(parts) => *parts = Array::new(),
        }
    }

    /// Appends `bytes` at `offset`; when the browser grants no more storage, goes on in memory.
    fn append(&mut self, offset: u64, bytes: &[u8]) {
        if let Self::Stored(writer) = self {
            if writer.write(offset, bytes).is_ok() {
                return;
            }
            let parts = Array::new();
            let mut chunk = vec![0; CHUNK];
            let mut done = 0;
            while done < offset {
                let count = writer.read(done, &mut chunk).min((offset - done) as usize);
                if count == 0 {
                    break;
                }
                parts.push(&Uint8Array::from(&chunk[..count]));
                done += count as u64;
            }
            writer.truncate();
            *self = Self::Memory(parts);
        }
        if let Self::Memory(parts) = self {
            parts.push(&Uint8Array::from(bytes));
        }
    }
}

/// Why a transfer ended early.
enum Break {
    /// Worth another try.
    Again(String),
    /// Not worth one.
    Never(Problem),
}

/// Brings the file to its full length, over as many connections as it takes.
async fn fetch(
    file: &ModelFile,
    signal: &Abort,
    sink: &mut Sink,
    progress: &mut Progress,
    report: &mut dyn FnMut(LoadPhase, u64),
) -> Result<(), Problem> {
    let mut tries = 0;
    while progress.bytes < file.bytes {
        let before = progress.bytes;
        let outcome = transfer(file, signal, sink, progress, report).await;
        if signal.aborted() && progress.bytes < file.bytes {
            return Err(stopped());
        }
        let reason = match outcome {
            Ok(()) => "the transfer ended early".to_owned(),
            Err(Break::Again(reason)) => reason,
            Err(Break::Never(problem)) => return Err(problem),
        };
        if progress.bytes >= file.bytes {
            break;
        }
        tries = if progress.bytes > before { 1 } else { tries + 1 };
        if tries >= TRIES {
            return Err(Problem::retryable(
                ProblemCode::Offline,
                format!(
                    "The realm does not send {}: {reason}. {} of {} bytes are here.",
                    file.name, progress.bytes, file.bytes
                ),
                "Look at the connection and try again; the download goes on where it stopped.",
            ));
        }
        sleep(FIRST_WAIT_MS << (tries - 1)).await;
    }
    Ok(())
}

/// One request, from the first missing byte on.
async fn transfer(
    file: &ModelFile,
    signal: &Abort,
    sink: &mut Sink,
    progress: &mut Progress,
    report: &mut dyn FnMut(LoadPhase, u64),
) -> Result<(), Break> {
    let again = |error: JsValue| Break::Again(words(&error));
    let init = RequestInit::new();
    // The store is the cache.
    init.set_cache(RequestCache::NoStore);
    signal.ends_request(&init);
    let request =
        Request::new_with_str_and_init(&format!("/models/sha256/{}", file.sha256), &init).map_err(again)?;
    if progress.bytes > 0 {
        request.headers().set("range", &format!("bytes={}-", progress.bytes)).map_err(again)?;
    }
    let response = patient(scope().fetch_with_request(&request)).await?;
    let response: Response = response.unchecked_into();
    match response.status() {
        206 if resumes_at(&response) == Some(progress.bytes) => {}
        // The whole file although a part was asked for, or another part.
        200 => restart(sink, progress),
        206 | 416 => {
            restart(sink, progress);
            return Err(Break::Again("it sends another part than was asked for".into()));
        }
        404 | 410 => {
            return Err(Break::Never(Problem::new(
                ProblemCode::NotFound,
                format!("The realm does not have {}.", file.name),
                "Run `cargo xtask models` on the realm's machine, then load the model again.",
            )));
        }
        status => return Err(Break::Again(format!("it answers with status {status}"))),
    }
    let body = response.body().ok_or_else(|| Break::Again("it sends nothing".into()))?;
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    loop {
        let read = match patient(reader.read()).await {
            Ok(read) => read,
            Err(reason) => {
                let _ = reader.cancel();
                return Err(reason);
            }
        };
        let part = |name: &str| js_sys::Reflect::get(&read, &name.into()).unwrap_or(JsValue::UNDEFINED);
        if part("done").is_truthy() {
            return Ok(());
        }
        let bytes = part("value").unchecked_into::<Uint8Array>().to_vec();
        if progress.bytes + bytes.len() as u64 > file.bytes {
            let _ = reader.cancel();
            restart(sink, progress);
            return Err(Break::Again("it sends more than the file has".into()));
        }
        sink.append(progress.bytes, &bytes);
        progress.digest.update(&bytes);
        progress.bytes += bytes.len() as u64;
        report(LoadPhase::Download, progress.bytes);
    }
}

fn restart(sink: &mut Sink, progress: &mut Progress) {
    sink.empty();
    *progress = Progress::default();
}

/// The first byte of a partial answer: `bytes 100-199/200`.
fn resumes_at(response: &Response) -> Option<u64> {
    let range = response.headers().get("content-range").ok()??;
    range.trim().strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// The outcome of a promise, or a reason to try again when it takes too long.
async fn patient(promise: Promise) -> Result<JsValue, Break> {
    let late = timer(SILENCE_MS);
    let race = Promise::race(&Array::of2(&promise, &late));
    let value = JsFuture::from(race).await.map_err(|error| Break::Again(words(&error)))?;
    // The timer gives undefined, which neither fetch nor read does.
    if value.is_undefined() {
        return Err(Break::Again(format!("nothing came for {} s", SILENCE_MS / 1000)));
    }
    Ok(value)
}
