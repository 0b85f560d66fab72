//! Runs models: on the GPU through burn and wgpu, or on the CPU.
