//! The key pair that is a person's identity: made by the browser, never readable, kept on this device.

use mtor_shared::{
    identity::DidKey,
    problem::{Problem, ProblemCode},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    CryptoKey, CryptoKeyPair, SubtleCrypto,
    js_sys::{Array, Reflect, Uint8Array},
};

use super::store::Store;

const NAME: &str = "identity";

/// The identity on this device; made where there is none.
///
/// # Errors
/// Where the browser knows no Ed25519 or keeps nothing.
pub(crate) async fn identity(store: &Store) -> Result<DidKey, Problem> {
    let subtle = subtle().ok_or_else(unsupported)?;
    if let Some(pair) = store.key(NAME).await? {
        return did(&subtle, &pair).await.map_err(|_| unsupported());
    }
    let usages = Array::of2(&"sign".into(), &"verify".into());
    let made = subtle.generate_key_with_str("Ed25519", false, &usages).map_err(|_| unsupported())?;
    let pair = JsFuture::from(made).await.map_err(|_| unsupported())?;
    let did = did(&subtle, &pair).await.map_err(|_| unsupported())?;
    store.keep_key(NAME, pair.unchecked_ref::<CryptoKeyPair>()).await?;
    Ok(did)
}

fn subtle() -> Option<SubtleCrypto> {
    let crypto = web_sys::window()?.crypto().ok()?;
    let subtle = crypto.subtle();
    // Outside a secure context the browser leaves it out.
    (!subtle.is_undefined()).then_some(subtle)
}

async fn did(subtle: &SubtleCrypto, pair: &JsValue) -> Result<DidKey, JsValue> {
    let public: CryptoKey = Reflect::get(pair, &"publicKey".into())?.dyn_into()?;
    let raw = JsFuture::from(subtle.export_key("raw", &public)?).await?;
    let bytes = Uint8Array::new(&raw).to_vec();
    <[u8; 32]>::try_from(bytes).map(DidKey::from_public_key).map_err(|_| JsValue::NULL)
}

fn unsupported() -> Problem {
    Problem::new(
        ProblemCode::Unsupported,
        "This browser cannot hold an Ed25519 key, so you have no identity here.",
        "Everything else works; a current browser over HTTPS or on localhost can.",
    )
}
