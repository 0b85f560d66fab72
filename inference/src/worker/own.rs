//! A person's own GGUF files: looked at, hashed, copied into the store, and kept in a little index.

use mtor_shared::{
    engine::{Event, JobId, LoadPhase},
    model::{self, Model, ModelFile, ModelId, Task},
    problem::{Problem, ProblemCode},
};
use sha2::{Digest, Sha256};
use web_sys::File;

use super::{
    abort::Abort,
    meter::Pace,
    port::{breathe, now_ms, post},
    stopped,
    store::{BlobSource, Refusal, Store, Writer},
};
use crate::{
    models::decoder::config::Config,
    tokenizer::TextTokenizer,
    weights::{Gguf, Source, hexadecimal},
};

/// The file of the index, in the folder of models.
const INDEX: &str = "own.json";
/// Bytes that are copied at a time.
const CHUNK: usize = 4 << 20;

/// The models that earlier visits imported.
pub(super) async fn read_index() -> Vec<Model> {
    let Some(store) = Store::open().await else { return Vec::new() };
    let text = store.text(INDEX).await.unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Notes which models there are.
pub(super) async fn write_index(models: &[Model]) -> bool {
    let Some(store) = Store::open().await else { return false };
    let Ok(text) = serde_json::to_string(models) else { return false };
    store.put_text(INDEX, &text).await
}

/// Takes a file in; the model, and whether it was stored.
pub(super) async fn import(job: JobId, file: &File, signal: &Abort) -> Result<(Model, bool), Problem> {
    let source = BlobSource::stored(file.clone());
    let title = look(&source, &file.name()).await?;
    let bytes = source.bytes();
    let sha256 = read(job, LoadPhase::Verify, &source, signal, |_, _| Ok(())).await?;
    let wanted = ModelFile { name: "model.gguf".into(), bytes, sha256, sources: Vec::new() };
    // A file that the manifest knows is that model.
    let known = model::manifest()
        .iter()
        .find(|model| matches!(model.files.as_slice(), [file] if file.sha256 == wanted.sha256));
    let own = || Model {
        id: ModelId(format!("own-{}", wanted.sha256.get(..12).unwrap_or_default())),
        title,
        task: Task::Generate,
        licence: "not told".into(),
        optional: true,
        files: vec![wanted.clone()],
    };
    let model = known.cloned().unwrap_or_else(own);
    Ok((model, copy(job, &source, &wanted, signal).await?))
}

/// Whether MTOR can run this file; its name for a person.
async fn look(source: &BlobSource, name: &str) -> Result<String, Problem> {
    let mut file = Gguf::open(source).await.map_err(|problem| match problem.code {
        ProblemCode::Unsupported => problem,
        _ => Problem::new(
            ProblemCode::Unsupported,
            format!("{name} is no GGUF file, or it is damaged."),
            "Choose a model in the GGUF format.",
        ),
    })?;
    Config::new(&file.metadata)?;
    for tensor in file.tensors() {
        file.format(tensor)?;
    }
    let title = file.metadata.text("general.name").unwrap_or_default().trim().to_owned();
    TextTokenizer::new(&mut file.metadata)?;
    let plain = name.strip_suffix(".gguf").unwrap_or(name);
    Ok(if title.is_empty() { plain.to_owned() } else { title })
}

/// Reads the whole file, each chunk handed to `each`; its SHA-256.
async fn read(
    job: JobId,
    phase: LoadPhase,
    source: &BlobSource,
    signal: &Abort,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), Problem>,
) -> Result<String, Problem> {
    let total = source.bytes();
    let mut chunk = vec![0; CHUNK];
    let mut digest = Sha256::new();
    let mut done = 0;
    let mut pace = Pace::new();
    while done < total {
        if signal.aborted() {
            return Err(stopped());
        }
        let count = (total - done).min(CHUNK as u64) as usize;
        source.read(done, &mut chunk[..count]).await?;
        digest.update(&chunk[..count]);
        each(done, &chunk[..count])?;
        done += count as u64;
        if pace.is_due(now_ms()) || done == total {
            post(&Event::Importing { job, phase, done_bytes: done, total_bytes: total });
        }
        breathe().await;
    }
    Ok(hexadecimal(digest))
}

/// Copies the file into the store; false where there is no room or no store, and then it is kept as it is.
async fn copy(job: JobId, source: &BlobSource, wanted: &ModelFile, signal: &Abort) -> Result<bool, Problem> {
    let Some(store) = Store::open().await else { return Ok(false) };
    if store.verified(wanted).await.is_some() {
        return Ok(true);
    }
    let writer: Writer = match store.writer(wanted).await {
        Ok(writer) => writer,
        Err(Refusal::Unavailable) => return Ok(false),
        Err(Refusal::Busy) => {
            return Err(Problem::retryable(
                ProblemCode::Conflict,
                "Another tab is taking in this file.",
                "Wait until it is done.",
            ));
        }
    };
    writer.truncate();
    let mut full = false;
    let copied = read(job, LoadPhase::Download, source, signal, |offset, bytes| {
        full = full || writer.write(offset, bytes).is_err();
        Ok(())
    })
    .await;
    drop(writer);
    let same = copied.as_ref().is_ok_and(|sha256| *sha256 == wanted.sha256);
    if full || !same {
        store.delete(wanted).await;
    }
    match copied {
        Err(problem) => Err(problem),
        Ok(_) if full => Ok(false),
        Ok(_) if !same => Err(Problem::retryable(
            ProblemCode::Conflict,
            "The file was changed while it was read.",
            "Choose it again.",
        )),
        Ok(_) => Ok(store.note_verified(wanted).await.is_some()),
    }
}
