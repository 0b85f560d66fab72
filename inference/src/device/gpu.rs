//! The process's one wgpu device, and what it complains about.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use burn::tensor::{
    Device,
    wgpu::{WgpuInitError, WgpuSetup, wgpu},
};

use super::{Adapter, Gpu};

/// The device is made once: burn refuses to initialise a second one on the same adapter.
static GPU: Mutex<Option<(Gpu, Adapter)>> = Mutex::new(None);
static FAULT: OnceLock<String> = OnceLock::new();

/// The first complaint of the device, if there was one.
pub(super) fn fault() -> Option<String> {
    FAULT.get().cloned()
}

/// The device, made on the first call; the error says what is lacking, without a full stop.
pub(super) async fn device() -> Result<(Gpu, Adapter), String> {
    #[cfg(not(target_arch = "wasm32"))]
    {
        let mut gpu = GPU.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gpu) = &*gpu {
            return Ok(gpu.clone());
        }
        let made = watched(Device::wgpu_options().init_with_setup())?;
        *gpu = Some(made.clone());
        Ok(made)
    }
    #[cfg(target_arch = "wasm32")]
    {
        if let Some(gpu) = &*GPU.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(gpu.clone());
        }
        // One thread, and the worker chooses before it does anything else: nobody else gets here meanwhile.
        let made = watched(Device::wgpu_options().init_with_setup_async().await)?;
        *GPU.lock().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
        Ok(made)
    }
}

fn watched(made: Result<(Device, WgpuSetup), WgpuInitError>) -> Result<(Gpu, Adapter), String> {
    let (device, setup) = made.map_err(|error| match error {
        WgpuInitError::AdapterUnavailable { .. } => "There is no graphics adapter".to_owned(),
        other => format!("The GPU does not start ({other})"),
    })?;
    // burn's own handler panics. A failed kernel leaves zeros behind, so whatever comes after a complaint is refused
    // by whoever asks `fault`. Loss of the device is burn's to notice: reading back then gives an error.
    setup.device.on_uncaptured_error(Arc::new(|error: wgpu::Error| {
        let _ = FAULT.set(error.to_string());
    }));
    let info = setup.adapter.get_info();
    let name = if info.name.is_empty() { "the GPU".to_owned() } else { info.name };
    let gpu = Gpu { graph: device, device: setup.device, queue: setup.queue };
    Ok((gpu, Adapter { name, software: info.device_type == wgpu::DeviceType::Cpu }))
}
