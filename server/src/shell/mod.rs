//! Serves the built app: from inside the binary, or from a folder while it is being worked on.

mod encoding;

use std::path::{Path, PathBuf};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use mtor_shared::problem::{Problem, ProblemCode};

use self::encoding::Encoding;
use crate::{error::ApiError, etag, state::AppState};

/// What `cargo xtask run` built; empty until then. A debug build of the binary reads the folder each time.
#[derive(rust_embed::Embed)]
#[folder = "../dist"]
#[allow_missing = true]
struct Embedded;

/// Shown in place of the app where there is none.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>MTOR</title><h1>The shell is not built yet</h1>\
     <p>The realm works, but this binary holds no shell. <code>cargo xtask run</code> builds both.</p>";

/// Where the files are.
#[derive(Clone, Debug)]
pub enum Shell {
    /// In the binary.
    Embedded,
    /// In a folder, read each time.
    Folder(PathBuf),
}

struct File {
    bytes: Bytes,
    etag: String,
}

impl Shell {
    /// The file of a path that was checked by [`clean`].
    async fn file(&self, path: &str) -> Option<File> {
        match self {
            Self::Embedded => Embedded::get(path).map(|file| {
                let hex: String =
                    file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
                let bytes = match file.data {
                    std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                    std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
                };
                File { bytes, etag: format!("\"{hex}\"") }
            }),
            Self::Folder(folder) => {
                let bytes = Bytes::from(tokio::fs::read(folder.join(path)).await.ok()?);
                let etag = etag::of(&bytes);
                Some(File { bytes, etag })
            }
        }
    }
}

/// Everything that is not the realm's own surface.
pub async fn serve(State(state): State<AppState>, request: Request<Body>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let title = "This address does not take this method.";
        let problem = Problem::new(ProblemCode::BadRequest, title, "");
        return ApiError::with_status(StatusCode::METHOD_NOT_ALLOWED, problem).into_response();
    }
    let headers = request.headers();
    let path = match request.uri().path() {
        "/" => Some("index.html"),
        path => clean(path),
    };
    if let Some(path) = path
        && let Some(response) = answer(&state.shell, path, headers).await
    {
        return response;
    }
    // Addresses inside the app are the app's business, but a missing file is missing.
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !accept.contains("text/html") {
        return ApiError::not_found("There is no such file.", "Reload the page.").into_response();
    }
    match answer(&state.shell, "index.html", headers).await {
        Some(response) => response,
        None => {
            let headers =
                [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
            (StatusCode::SERVICE_UNAVAILABLE, headers, NOT_BUILT).into_response()
        }
    }
}

/// A request path as a relative file path, if it is a plain one. What is encoded, hidden, or climbs is no file of
/// ours; neither are the compressed forms by themselves.
fn clean(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
    };
    let compressed = path.ends_with(".br") || path.ends_with(".gz");
    (!compressed && path.split('/').all(plain)).then_some(path)
}

async fn answer(shell: &Shell, path: &str, request: &HeaderMap) -> Option<Response> {
    let plain = shell.file(path).await?;
    let mut chosen = (Encoding::Identity, plain);
    for encoding in encoding::accepted(request) {
        if let Some(suffix) = encoding.suffix()
            && let Some(file) = shell.file(&format!("{path}{suffix}")).await
        {
            chosen = (encoding, file);
            break;
        }
    }
    let (encoding, file) = chosen;
    let mut response = if etag::matches(request, &file.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.bytes).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control(path)));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::try_from(file.etag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(name) = encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    Some(response)
}

fn content_type(path: &str) -> &'static str {
    match Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A name with a hash of its content in it (`app-0123abcd.js`, `engine-0123abcd/engine.js`) stands for that content
/// for ever; anything else is asked about each time.
fn cache_control(path: &str) -> &'static str {
    if path.split('/').any(has_hash) { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn has_hash(part: &str) -> bool {
    part.split('-').skip(1).any(|piece| {
        let hash = piece.split(['.', '_']).next().unwrap_or_default();
        hash.len() >= 8 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_files() {
        assert_eq!(clean("/engine-0123abcd/engine.js"), Some("engine-0123abcd/engine.js"));
        for bad in [
            "/../Cargo.toml",
            "/a/../../b",
            "/%2e%2e/x",
            "/..%2fx",
            "/.git/config",
            "//etc/passwd",
            "/a\\b",
            "/a:b",
            "/",
            "/app.js.br",
            "/app.wasm.gz",
            "/C:/x",
            "x",
            "/a//b",
        ] {
            assert_eq!(clean(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_hashed_names_are_kept_for_ever() {
        for hashed in
            ["mtor-app-0123456789abcdef.js", "mtor-app-0123456789abcdef_bg.wasm", "engine-0123abcd/x.js"]
        {
            assert!(cache_control(hashed).contains("immutable"), "{hashed}");
        }
        for plain in ["index.html", "sw.js", "manifest.webmanifest", "icons/icon-512.png", "a-decade.js"] {
            assert_eq!(cache_control(plain), "no-cache", "{plain}");
        }
    }
}
