//! The inference engine as a dedicated Web Worker; see `mtor_inference::worker`.

#[cfg(target_arch = "wasm32")]
fn main() {
    mtor_inference::worker::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    // Only the wasm build of this binary does something; natively the library is used.
    std::process::ExitCode::FAILURE
}
