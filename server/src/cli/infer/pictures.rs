//! What the verbs for pictures share.

use std::{path::PathBuf, time::Instant};

use clap::Args;
use mtor_inference::image::{Background, Picture, decode};
use mtor_shared::problem::Problem;
use serde_json::{Value, json};

use super::On;
use crate::cli::{Mistake, print_line};

/// Which pictures, and where the weights are.
#[derive(Args)]
pub(in crate::cli) struct Pictures {
    /// Where to compute
    #[arg(long, value_enum, default_value_t = On::Auto)]
    backend: On,
    /// Folder of model weights [default: MTOR_MODELS, or mtor/models in the cache folder]
    #[arg(long, value_name = "DIR")]
    pub(super) models: Option<PathBuf>,
    /// Pictures: PNG, JPEG, WebP, GIF or BMP
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl Pictures {
    /// Fails where the GPU was asked for: these models run on the CPU alone.
    pub(super) fn on_cpu(&self) -> Result<(), Mistake> {
        match self.backend {
            On::Auto | On::Cpu => Ok(()),
            On::Gpu => {
                Err(Mistake("This model runs on the CPU; leave --backend out, or say cpu.".to_owned()))
            }
        }
    }

    /// Prints a line for every file: what `see` says about its picture, with the time that it took.
    pub(super) fn each(
        &self,
        background: Background,
        mut see: impl FnMut(&Picture) -> Result<Value, Problem>,
    ) -> Result<(), Mistake> {
        for file in &self.files {
            let shown = file.display().to_string();
            let bytes =
                std::fs::read(file).map_err(|error| Mistake(format!("{shown} cannot be read: {error}")))?;
            let picture =
                decode(&bytes, background).map_err(|problem| Mistake(format!("{shown}: {problem}")))?;
            let began = Instant::now();
            let mut line = see(&picture)?;
            let elapsed_ms = began.elapsed().as_secs_f64() * 1e3;
            if let Some(fields) = line.as_object_mut() {
                fields.insert("file".into(), json!(shown));
                fields.insert("width".into(), json!(picture.width()));
                fields.insert("height".into(), json!(picture.height()));
                fields.insert("elapsed_ms".into(), json!(elapsed_ms));
                fields.insert("backend".into(), json!("cpu"));
            }
            print_line(&line)?;
        }
        Ok(())
    }
}
