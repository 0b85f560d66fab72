//! Files that a person drops or chooses.

use mtor_shared::problem::{Problem, ProblemCode};
use wasm_bindgen_futures::{JsFuture, spawn_local};
pub(crate) use web_sys::FileList;

use crate::shell::view::format::bytes;

/// Larger ones are refused without being read.
const LARGEST_BYTES: f64 = 64.0 * 1024.0 * 1024.0;

/// Reads each file as text and hands over its name and what is in it.
pub(crate) fn read(
    files: Option<FileList>,
    hear: impl Fn(Result<(String, String), Problem>) + Clone + 'static,
) {
    let Some(files) = files else { return };
    for file in (0..files.length()).filter_map(|index| files.get(index)) {
        let hear = hear.clone();
        spawn_local(async move {
            let name = file.name();
            if file.size() > LARGEST_BYTES {
                let title = format!("{name} has {}.", bytes(file.size() as u64));
                let advice = format!("A description holds at most {}.", bytes(LARGEST_BYTES as u64));
                return hear(Err(Problem::new(ProblemCode::TooLarge, title, advice)));
            }
            let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
            hear(text.map(|text| (name.clone(), text)).ok_or_else(|| {
                let title = format!("{name} cannot be read.");
                Problem::new(ProblemCode::BadRequest, title, "A folder is no description; choose a file.")
            }));
        });
    }
}
