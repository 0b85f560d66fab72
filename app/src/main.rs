//! Mounts the shell.

fn main() {
    #[cfg(target_arch = "wasm32")]
    mtor_app::mount();
}
