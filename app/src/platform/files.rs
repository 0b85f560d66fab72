//! Files that a person drops or chooses.

use mtor_shared::problem::{Problem, ProblemCode};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, HtmlAnchorElement, Url, js_sys::Array};
pub(crate) use web_sys::{File, FileList};

use crate::shell::view::format::bytes;

/// The first of the files.
pub(crate) fn first(files: Option<&FileList>) -> Option<File> {
    files.and_then(|files| files.get(0))
}

/// Hands a text to the person as a file.
pub(crate) fn save(name: &str, text: &str) {
    if let Some(address) = offer(name, text) {
        // The browser reads it after this returns.
        super::clock::after(60_000, move || {
            let _ = Url::revoke_object_url(&address);
        });
    }
}

/// Offers it under an address that is to be taken back; none where the browser does not let it.
fn offer(name: &str, text: &str) -> Option<String> {
    let parts = Array::of1(&text.into());
    let blob = Blob::new_with_str_sequence(&parts).ok()?;
    let address = Url::create_object_url_with_blob(&blob).ok()?;
    let page = web_sys::window()?.document()?;
    let link: HtmlAnchorElement = page.create_element("a").ok()?.dyn_into().ok()?;
    link.set_href(&address);
    link.set_download(name);
    link.click();
    Some(address)
}

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
