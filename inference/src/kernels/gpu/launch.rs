//! Pipelines, bindings, dispatches, and reading back.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
};

use bytemuck::Pod;
use mtor_shared::problem::{Problem, ProblemCode};

use crate::device::wgpu::{self, BufferUsages};

/// Workgroups of a dispatch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// As many whatever there is to do.
    pub(crate) x: u32,
    /// One for each `tokens` of the pass's tokens; 0 for one altogether.
    pub(crate) tokens: u32,
}

/// One dispatch.
pub(crate) struct Step {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    grid: Grid,
}

/// How a kernel uses a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Access {
    Uniform,
    Read,
    Write,
}

/// Pipelines by kernel, and its constants by name and bits.
type Pipelines = HashMap<(String, Vec<(&'static str, u64)>), wgpu::ComputePipeline>;

/// A device with what was compiled for it.
pub(crate) struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    layouts: RefCell<HashMap<Vec<Access>, wgpu::BindGroupLayout>>,
    pipelines: RefCell<Pipelines>,
}

impl Gpu {
    /// Kernels for this device.
    pub(crate) fn new(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        Self { device, queue, layouts: RefCell::default(), pipelines: RefCell::default() }
    }

    /// Bytes that a kernel can see of one buffer.
    pub(crate) fn largest_binding(&self) -> u64 {
        let limits = self.device.limits();
        limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
    }

    /// A buffer for kernels, of zeros, a whole number of words long.
    pub(crate) fn buffer(&self, label: &str, bytes: u64) -> wgpu::Buffer {
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC;
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes.next_multiple_of(4).max(16),
            usage,
            mapped_at_creation: false,
        })
    }

    /// A buffer for kernels that holds these elements.
    pub(crate) fn filled<T: Pod>(&self, label: &str, elements: &[T]) -> wgpu::Buffer {
        let bytes = bytemuck::cast_slice(elements);
        let buffer = self.buffer(label, bytes.len() as u64);
        self.queue.write_buffer(&buffer, 0, bytes);
        buffer
    }

    /// A buffer for what differs from pass to pass.
    pub(crate) fn uniform(&self, label: &str, bytes: u64) -> wgpu::Buffer {
        let usage = BufferUsages::UNIFORM | BufferUsages::COPY_DST;
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes,
            usage,
            mapped_at_creation: false,
        })
    }

    /// Writes elements to a buffer; `offset` in bytes, a multiple of 4.
    pub(crate) fn write<T: Pod>(&self, buffer: &wgpu::Buffer, offset: u64, elements: &[T]) {
        self.queue.write_buffer(buffer, offset, bytemuck::cast_slice(elements));
    }

    /// Copies whole buffers into `into`, one behind the other.
    pub(crate) fn join<'a>(&self, parts: impl IntoIterator<Item = &'a wgpu::Buffer>, into: &wgpu::Buffer) {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut offset = 0;
        for part in parts {
            encoder.copy_buffer_to_buffer(part, 0, into, offset, part.size());
            offset += part.size();
        }
        self.queue.submit([encoder.finish()]);
    }

    /// A dispatch of a kernel: its source, its constants, and its buffers in the order of their bindings.
    pub(crate) fn step(
        &self,
        source: &str,
        constants: &[(&'static str, f64)],
        buffers: &[&wgpu::Buffer],
        grid: Grid,
    ) -> Step {
        let accesses = accesses(source);
        debug_assert_eq!(accesses.len(), buffers.len(), "{source}");
        let layout = self.layout(&accesses);
        let entries: Vec<_> = (0u32..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let bindings = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &layout,
            entries: &entries,
        });
        Step { pipeline: self.pipeline(source, constants, &layout), bindings, grid }
    }

    fn layout(&self, accesses: &[Access]) -> wgpu::BindGroupLayout {
        let mut layouts = self.layouts.borrow_mut();
        if let Some(layout) = layouts.get(accesses) {
            return layout.clone();
        }
        let entries: Vec<_> = (0u32..)
            .zip(accesses)
            .map(|(binding, access)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty: match access {
                        Access::Uniform => wgpu::BufferBindingType::Uniform,
                        Access::Read => wgpu::BufferBindingType::Storage { read_only: true },
                        Access::Write => wgpu::BufferBindingType::Storage { read_only: false },
                    },
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            })
            .collect();
        let descriptor = wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries };
        let layout = self.device.create_bind_group_layout(&descriptor);
        layouts.insert(accesses.to_vec(), layout.clone());
        layout
    }

    fn pipeline(
        &self,
        source: &str,
        constants: &[(&'static str, f64)],
        layout: &wgpu::BindGroupLayout,
    ) -> wgpu::ComputePipeline {
        let key =
            (source.to_owned(), constants.iter().map(|(name, value)| (*name, value.to_bits())).collect());
        let mut pipelines = self.pipelines.borrow_mut();
        if let Some(pipeline) = pipelines.get(&key) {
            return pipeline.clone();
        }
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(layout)],
            immediate_size: 0,
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: Some(&layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions { constants, ..Default::default() },
            cache: None,
        });
        pipelines.insert(key, pipeline.clone());
        pipeline
    }

    /// Runs dispatches one after the other for `tokens` tokens, in one submission; then reads `bytes` of `result`.
    ///
    /// # Errors
    ///
    /// `device-lost` when nothing comes back.
    pub(crate) async fn run<'a>(
        &self,
        steps: impl IntoIterator<Item = &'a Step>,
        tokens: u32,
        result: Option<(&wgpu::Buffer, u64)>,
    ) -> Result<Vec<u8>, Problem> {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for Step { pipeline, bindings, grid } in steps {
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, bindings, &[]);
            let y = if grid.tokens == 0 { 1 } else { tokens.div_ceil(grid.tokens) };
            pass.dispatch_workgroups(grid.x, y, 1);
        }
        drop(pass);
        let Some((result, bytes)) = result else {
            self.queue.submit([encoder.finish()]);
            return Ok(Vec::new());
        };
        let back = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("back"),
            size: bytes,
            usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        encoder.copy_buffer_to_buffer(result, 0, &back, 0, bytes);
        self.queue.submit([encoder.finish()]);
        let mapped = Mapped::default();
        let told = mapped.clone();
        back.map_async(wgpu::MapMode::Read, .., move |outcome| told.tell(outcome.is_ok()));
        // In a browser the event loop tells; elsewhere somebody has to ask.
        #[cfg(not(target_arch = "wasm32"))]
        let _ = self.device.poll(wgpu::PollType::wait_indefinitely());
        let lost = || {
            Problem::retryable(
                ProblemCode::DeviceLost,
                "The GPU gave nothing back.",
                "The model loads again; choose the CPU if this happens more than once.",
            )
        };
        if !mapped.wait().await {
            return Err(lost());
        }
        let bytes = back.get_mapped_range(..).map_err(|_| lost())?.to_vec();
        back.unmap();
        back.destroy();
        Ok(bytes)
    }
}

/// Bindings in order, as the source declares them.
fn accesses(source: &str) -> Vec<Access> {
    let access = |line: &str| {
        if line.contains("var<uniform>") {
            Access::Uniform
        } else if line.contains("read_write") {
            Access::Write
        } else {
            Access::Read
        }
    };
    source.lines().filter(|line| line.contains("@binding(")).map(access).collect()
}

/// Whether a buffer could be mapped, once that is known.
#[derive(Clone, Default)]
struct Mapped(Arc<Mutex<(Option<bool>, Option<Waker>)>>);

impl Mapped {
    fn tell(&self, outcome: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = Some(outcome);
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }

    async fn wait(&self) -> bool {
        std::future::poll_fn(|context| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match state.0 {
                Some(outcome) => Poll::Ready(outcome),
                None => {
                    state.1 = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
