//! `mtor infer detect`

use clap::Args;
use mtor_inference::{image::Background, models::nanodet::LEAST_SURE, thing_finder};
use serde_json::json;

use super::{models_or_default, pictures::Pictures};
use crate::cli::Mistake;

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// The least score of a thing, 0 to 1
    #[arg(long, value_name = "S", default_value_t = LEAST_SURE)]
    least: f32,
    #[command(flatten)]
    pictures: Pictures,
}

pub(super) fn run(Arguments { least, pictures }: Arguments) -> Result<(), Mistake> {
    pictures.on_cpu()?;
    let models = models_or_default(pictures.models.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut finder = runtime.block_on(thing_finder(&models))?;
    pictures.each(Background::White, |picture| Ok(json!({"things": finder.find(picture, least)?})))
}
