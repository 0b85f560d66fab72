//! Chooses where tensors are computed, and says why in a sentence for a person.

#[cfg(feature = "gpu")]
mod gpu;
#[cfg(all(feature = "gpu", target_arch = "wasm32"))]
mod probe;

#[cfg(feature = "gpu")]
use burn::tensor::Device;
#[cfg(feature = "gpu")]
pub(crate) use burn::tensor::wgpu::wgpu;
use mtor_shared::{
    engine::{Backend, BackendPreference},
    problem::Problem,
};

/// What a model is loaded onto.
#[derive(Clone, Debug)]
pub enum Target {
    /// The SIMD kernels, on the CPU.
    Kernels,
    /// The GPU.
    #[cfg(feature = "gpu")]
    Gpu(Gpu),
}

/// The GPU in its two views: burn's for encoders, wgpu's own for the token loop. They share one queue.
#[cfg(feature = "gpu")]
#[derive(Clone, Debug)]
pub struct Gpu {
    /// For burn graphs.
    pub(crate) graph: Device,
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
}

/// The outcome of choosing.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What models are loaded onto.
    pub target: Target,
    /// The adapter's name, as far as it is told; none on the CPU.
    pub adapter: Option<String>,
    /// Why, in one sentence for a person.
    pub reason: String,
}

impl Choice {
    /// The CPU, for this reason.
    pub fn cpu(reason: impl Into<String>) -> Self {
        Self { target: Target::Kernels, adapter: None, reason: reason.into() }
    }

    /// The backend in use.
    pub fn backend(&self) -> Backend {
        match self.target {
            Target::Kernels => Backend::Cpu,
            #[cfg(feature = "gpu")]
            Target::Gpu(_) => Backend::Gpu,
        }
    }
}

/// An adapter as far as the choice needs it.
#[cfg(feature = "gpu")]
#[derive(Clone, Debug)]
struct Adapter {
    name: String,
    /// It computes on the CPU, slower than the kernels.
    software: bool,
}

/// Chooses by preference and by what this machine has.
///
/// # Errors
///
/// Only where the GPU was asked for and there is none.
pub async fn choose(preference: BackendPreference) -> Result<Choice, Problem> {
    match preference {
        BackendPreference::Cpu => Ok(Choice::cpu("The CPU was asked for.")),
        BackendPreference::Auto => Ok(automatic().await),
        BackendPreference::Gpu => asked().await,
    }
}

#[cfg(feature = "gpu")]
async fn automatic() -> Choice {
    let cpu = |lack: String| Choice::cpu(format!("{lack}, so the model runs on the CPU."));
    // Before a device is made, which costs time and memory.
    #[cfg(target_arch = "wasm32")]
    match probe::adapter().await {
        Ok(adapter) if adapter.software => return software(),
        Ok(_) => {}
        Err(lack) => return cpu(lack),
    }
    match gpu().await {
        Ok((_, adapter)) if adapter.software => software(),
        Ok((gpu, adapter)) => on_gpu(gpu, adapter),
        Err(lack) => cpu(lack),
    }
}

/// The device, and the adapter as whoever knows more of it describes it: in a browser that is not wgpu.
#[cfg(feature = "gpu")]
async fn gpu() -> Result<(Gpu, Adapter), String> {
    #[cfg(target_arch = "wasm32")]
    {
        let adapter = probe::adapter().await?;
        Ok((gpu::device().await?.0, adapter))
    }
    #[cfg(not(target_arch = "wasm32"))]
    gpu::device().await
}

#[cfg(feature = "gpu")]
fn on_gpu(gpu: Gpu, adapter: Adapter) -> Choice {
    let reason = format!("The model runs on {}.", adapter.name);
    Choice { target: Target::Gpu(gpu), adapter: Some(adapter.name), reason }
}

#[cfg(feature = "gpu")]
fn software() -> Choice {
    Choice::cpu(
        "The only graphics adapter here is a software one, slower than the CPU alone, so the model runs on the CPU.",
    )
}

#[cfg(feature = "gpu")]
async fn asked() -> Result<Choice, Problem> {
    gpu().await.map(|(gpu, adapter)| on_gpu(gpu, adapter)).map_err(|lack| no_gpu(&lack))
}

#[cfg(not(feature = "gpu"))]
async fn automatic() -> Choice {
    Choice::cpu("This build has no GPU support, so the model runs on the CPU.")
}

#[cfg(not(feature = "gpu"))]
async fn asked() -> Result<Choice, Problem> {
    Err(no_gpu("This build has no GPU support"))
}

fn no_gpu(lack: &str) -> Problem {
    Problem::new(
        mtor_shared::problem::ProblemCode::Unsupported,
        format!("{lack}."),
        "Choose the CPU, or let MTOR choose.",
    )
}

/// What the GPU has complained about since the process began; results that came after it are not to be trusted.
pub fn fault() -> Option<String> {
    #[cfg(feature = "gpu")]
    return gpu::fault();
    #[cfg(not(feature = "gpu"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_chosen_when_asked_for() {
        let choice = pollster::block_on(choose(BackendPreference::Cpu)).unwrap();
        assert_eq!((choice.backend(), choice.adapter), (Backend::Cpu, None));
    }

    #[test]
    fn automatic_choice_always_gives_a_backend_and_a_sentence() {
        let choice = pollster::block_on(choose(BackendPreference::Auto)).unwrap();
        assert!(choice.reason.ends_with('.'), "{}", choice.reason);
    }
}
