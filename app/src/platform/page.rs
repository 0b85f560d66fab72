//! The page itself: its address, its focus, its scroll position, and whether anybody looks at it.

use mtor_shared::engine::BackendPreference;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Document, HtmlElement, HtmlMetaElement, HtmlTextAreaElement, VisibilityState, Window,
    js_sys::{Array, Function, Promise, Reflect},
};

/// The name of the prompt's element.
pub(crate) const PROMPT: &str = "prompt";
/// The name of the element behind the newest entry.
pub(crate) const END: &str = "end";
/// After how long a browser that does not say so is taken to have nothing else to do.
const REST_AFTER_MS: u32 = 500;
/// The name of the element behind the last message of a conversation.
pub(crate) const CHAT_END: &str = "chat-end";

fn window() -> Option<Window> {
    web_sys::window()
}

fn document() -> Option<Document> {
    window()?.document()
}

/// The backend that the address asks for: `?backend=cpu`, `gpu` or `auto`. It holds for this visit.
pub(crate) fn backend_preference() -> BackendPreference {
    let search = window().and_then(|window| window.location().search().ok()).unwrap_or_default();
    let asked = search.trim_start_matches('?').split('&').find_map(|pair| pair.strip_prefix("backend="));
    match asked {
        Some("cpu") => BackendPreference::Cpu,
        Some("gpu") => BackendPreference::Gpu,
        _ => BackendPreference::Auto,
    }
}

/// Where the worker's script is, by `<meta name="mtor-engine">`.
pub(crate) fn engine_path() -> String {
    let meta = document().and_then(|page| page.query_selector(r#"meta[name="mtor-engine"]"#).ok().flatten());
    let content = meta.and_then(|meta| meta.dyn_into::<HtmlMetaElement>().ok()).map(|meta| meta.content());
    content.filter(|path| !path.is_empty()).unwrap_or_else(|| "/engine/engine-worker.js".to_owned())
}

/// Puts the keyboard into the prompt, behind its last character, when the page has been drawn.
pub(crate) fn focus_prompt() {
    when_drawn(|| {
        let element = document().and_then(|page| page.get_element_by_id(PROMPT));
        if let Some(prompt) = element.and_then(|element| element.dyn_into::<HtmlTextAreaElement>().ok()) {
            let _ = prompt.focus();
            let end = prompt.value().encode_utf16().count() as u32;
            let _ = prompt.set_selection_range(end, end);
        }
    });
}

/// Whether the cursor is in the first line of the prompt.
pub(crate) fn cursor_in_first_line(prompt: &HtmlTextAreaElement) -> bool {
    let at = prompt.selection_start().ok().flatten().unwrap_or(0) as usize;
    let before: Vec<u16> = prompt.value().encode_utf16().take(at).collect();
    !before.contains(&u16::from(b'\n'))
}

/// Scrolls to the end of what is looked at, when it has been drawn.
pub(crate) fn show_end(id: &'static str) {
    when_drawn(move || {
        if let Some(end) = document().and_then(|page| page.get_element_by_id(id)) {
            end.scroll_into_view_with_bool(false);
        }
    });
}

/// Does something with the next frame; soon after where nobody looks, since frames rest there.
pub(crate) fn soon(then: impl FnOnce() + 'static) {
    let hidden = document().is_some_and(|page| page.visibility_state() != VisibilityState::Visible);
    match window().filter(|_| !hidden) {
        Some(window) => {
            let _ = window.request_animation_frame(Closure::once_into_js(then).unchecked_ref());
        }
        None => super::clock::after(50, then),
    }
}

/// Does something when the browser has nothing else to do.
pub(crate) fn at_rest(then: impl FnOnce() + 'static) {
    let asks = window().and_then(|window| {
        let ask: Function = Reflect::get(&window, &"requestIdleCallback".into()).ok()?.dyn_into().ok()?;
        Some((window, ask))
    });
    match asks {
        Some((window, ask)) => {
            let _ = ask.call1(&window, &Closure::once_into_js(then));
        }
        // Not every browser says when that is.
        None => super::clock::after(REST_AFTER_MS, then),
    }
}

/// Puts a text into the clipboard; says whether that worked.
pub(crate) async fn copy(text: String) -> bool {
    ask_navigator("clipboard", "writeText", &[text.into()]).await.is_some()
}

/// Whether the browser keeps what is stored when it runs out of room; `asks` has it do so. None where it does not say.
pub(crate) async fn persistence(asks: bool) -> Option<bool> {
    ask_navigator("storage", if asks { "persist" } else { "persisted" }, &[]).await?.as_bool()
}

/// Calls a method of a part of the browser that is not there everywhere, and waits for its answer; none where the part
/// is missing, as outside a secure context, or where it refuses.
async fn ask_navigator(part: &str, method: &str, args: &[JsValue]) -> Option<JsValue> {
    let part = Reflect::get(&window()?.navigator(), &part.into()).ok()?;
    let method: Function = Reflect::get(&part, &method.into()).ok()?.dyn_into().ok()?;
    let answer: Promise = method.apply(&part, &args.iter().collect::<Array>()).ok()?.dyn_into().ok()?;
    JsFuture::from(answer).await.ok()
}

fn when_drawn(then: impl FnOnce() + 'static) {
    if let Some(window) = window() {
        let then = Closure::once_into_js(move || super::clock::after(0, then));
        let _ = window.request_animation_frame(then.unchecked_ref());
    }
}

/// The part of the address behind `#`.
pub(crate) fn fragment() -> String {
    let hash = window().and_then(|window| window.location().hash().ok()).unwrap_or_default();
    hash.trim_start_matches('#').to_owned()
}

/// Scheme, host and port of the page's address, which is the realm's.
pub(crate) fn origin() -> String {
    window().and_then(|window| window.location().origin().ok()).unwrap_or_default()
}

/// Goes to an address within the page: as a step that can be taken back, or in the stead of the one that is there.
/// Neither tells the listener of [`listen_to_address`].
pub(crate) fn go(address: &str, is_step: bool) {
    let Some(history) = window().and_then(|window| window.history().ok()) else { return };
    let _ = if is_step {
        history.push_state_with_url(&JsValue::NULL, "", Some(address))
    } else {
        history.replace_state_with_url(&JsValue::NULL, "", Some(address))
    };
}

/// Tells when the part of the address behind `#` is another one. It listens as long as the page lives.
pub(crate) fn listen_to_address(moved: impl Fn(String) + 'static) {
    let Some(window) = window() else { return };
    let moved = Closure::<dyn Fn()>::new(move || moved(fragment()));
    // A step back to an address that was pushed tells `popstate` alone where only the state differs.
    for event in ["hashchange", "popstate"] {
        let _ = window.add_event_listener_with_callback(event, moved.as_ref().unchecked_ref());
    }
    moved.forget();
}

/// How far the page is scrolled, in CSS pixels.
pub(crate) fn scroll() -> f64 {
    window().and_then(|window| window.scroll_y().ok()).unwrap_or(0.0)
}

/// Scrolls the page when it has been drawn.
pub(crate) fn scroll_to(y: f64) {
    when_drawn(move || {
        if let Some(window) = window() {
            window.scroll_to_with_x_and_y(0.0, y);
        }
    });
}

/// Puts the keyboard into an element when it has been drawn.
pub(crate) fn focus(id: String) {
    when_drawn(move || {
        let element = document().and_then(|page| page.get_element_by_id(&id));
        if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            let _ = element.focus();
        }
    });
}

/// Tells when there is a network again or somebody looks at the page again, and when the network is gone.
/// It listens as long as the page lives.
pub(crate) fn listen(woke: impl Fn() + Clone + 'static, offline: impl Fn() + 'static) {
    let (Some(window), Some(page)) = (window(), document()) else { return };
    let online = Closure::<dyn Fn()>::new(woke.clone());
    let _ = window.add_event_listener_with_callback("online", online.as_ref().unchecked_ref());
    online.forget();
    let offline = Closure::<dyn Fn()>::new(offline);
    let _ = window.add_event_listener_with_callback("offline", offline.as_ref().unchecked_ref());
    offline.forget();
    let visible = Closure::<dyn Fn()>::new(move || {
        if document().is_some_and(|page| page.visibility_state() == VisibilityState::Visible) {
            woke();
        }
    });
    let _ = page.add_event_listener_with_callback("visibilitychange", visible.as_ref().unchecked_ref());
    visible.forget();
}

/// Takes the words away that are shown while the shell is on its way.
pub(crate) fn remove_placeholder() {
    if let Some(element) = document().and_then(|page| page.get_element_by_id("placeholder")) {
        element.remove();
    }
}

/// Hides an element that has nothing to show.
pub(crate) fn hide(element: &HtmlElement) {
    element.set_hidden(true);
}
