//! `mtor infer ocr`

use clap::Args;
use mtor_inference::{image::Background, text_reader};
use mtor_shared::seen::writing;
use serde_json::json;

use super::{models_or_default, pictures::Pictures};
use crate::cli::Mistake;

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    pictures: Pictures,
}

pub(super) fn run(Arguments { pictures }: Arguments) -> Result<(), Mistake> {
    pictures.on_cpu()?;
    let models = models_or_default(pictures.models.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut reader = runtime.block_on(text_reader(&models))?;
    pictures.each(Background::Contrast, |picture| {
        let lines = reader.read(picture)?;
        Ok(json!({"text": writing(&lines), "lines": lines}))
    })
}
