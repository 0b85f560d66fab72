//! `mtor infer classify`

use clap::Args;
use mtor_inference::{classifier, image::Background};
use serde_json::json;

use super::{models_or_default, pictures::Pictures};
use crate::cli::Mistake;

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// Names at most
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
    #[command(flatten)]
    pictures: Pictures,
}

pub(super) fn run(Arguments { top, pictures }: Arguments) -> Result<(), Mistake> {
    pictures.on_cpu()?;
    let models = models_or_default(pictures.models.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut classifier = runtime.block_on(classifier(&models))?;
    pictures.each(Background::White, |picture| Ok(json!({"labels": classifier.classify(picture, top)?})))
}
