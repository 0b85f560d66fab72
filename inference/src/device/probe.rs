//! Asks the browser for its adapter before wgpu does, because wgpu does not tell why there is none.

use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::Adapter;

/// The adapter that WebGPU would use; the error says what is lacking, without a full stop.
pub(super) async fn adapter() -> Result<Adapter, String> {
    // web-sys has WebGPU only behind an unstable flag, hence the reflection.
    let property = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let gpu = property(&property(&js_sys::global(), "navigator"), "gpu");
    if !gpu.is_object() {
        return Err("This browser offers no WebGPU".into());
    }
    let nothing = || "WebGPU finds no graphics adapter here".to_owned();
    let request: js_sys::Function = property(&gpu, "requestAdapter").dyn_into().map_err(|_| nothing())?;
    let promise: Promise = request.call0(&gpu).map_err(|_| nothing())?.dyn_into().map_err(|_| nothing())?;
    let adapter = JsFuture::from(promise).await.map_err(|_| nothing())?;
    if !adapter.is_object() {
        return Err(nothing());
    }
    let info = property(&adapter, "info");
    let text = |name: &str| property(&info, name).as_string().filter(|text| !text.is_empty());
    let name = text("description")
        .or_else(|| {
            Some(
                format!("{} {}", text("vendor")?, text("architecture").unwrap_or_default()).trim().to_owned(),
            )
        })
        .unwrap_or_else(|| "the GPU".into());
    let software = property(&info, "isFallbackAdapter").is_truthy()
        || property(&adapter, "isFallbackAdapter").is_truthy()
        || name.to_lowercase().contains("swiftshader");
    Ok(Adapter { name, software })
}
