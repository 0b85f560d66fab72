//! Whoever carries effects out: the realm for federated runs, the worker for what stays on the device.

pub(crate) mod device;
pub(crate) mod keeper;
pub(crate) mod remote;
