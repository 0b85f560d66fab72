//! `mtor infer generate`

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use mtor_inference::{clock, generate::Step, text_model};
use mtor_shared::{
    generation::{Message, Prompt, Request, Role, Sampling},
    model::CHAT,
};
use serde_json::{Value, json};

use super::{On, models_or_default};
use crate::cli::{Mistake, print_line};

#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).args(["prompt", "prompt_ids", "message"]))]
pub(in crate::cli) struct Arguments {
    /// Text to go on with
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Token ids to go on with, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    prompt_ids: Option<Vec<u32>>,
    /// A person's message to answer, put as the model's chat template puts it
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// What the model is told before the message
    #[arg(long, value_name = "TEXT", requires = "message")]
    system: Option<String>,
    /// Tokens at most
    #[arg(long, value_name = "N", default_value_t = 128)]
    max_tokens: u32,
    /// 0 always takes the best token
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    temperature: f32,
    /// Only the best this many tokens are considered; 0 for all
    #[arg(long, value_name = "K", default_value_t = Sampling::default().top_k)]
    top_k: usize,
    /// Only the best tokens that make up this share of the probability
    #[arg(long, value_name = "P", default_value_t = Sampling::default().top_p)]
    top_p: f32,
    /// Only tokens at least this share as likely as the best one
    #[arg(long, value_name = "P", default_value_t = Sampling::default().min_p)]
    min_p: f32,
    /// More than 1 makes recent tokens less likely
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    repetition_penalty: f32,
    /// The same seed gives the same answer
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// A text that ends the answer; may be given several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// JSON Schema that the answer is an instance of
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Which model
    #[arg(long, value_name = "ID", default_value = CHAT)]
    model: String,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = On::Auto)]
    backend: On,
    /// Folder of model weights [default: MTOR_MODELS, or mtor/models in the cache folder]
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Mistake> {
    let models = models_or_default(arguments.models)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut model =
        runtime.block_on(text_model(&models, &arguments.model, arguments.backend.preference()))?;
    let prompt = match (arguments.prompt, arguments.prompt_ids, arguments.message) {
        (Some(text), ..) => Prompt::Text { text },
        (_, Some(ids), _) => Prompt::Tokens { ids },
        (_, _, message) => {
            let system = arguments.system.map(|content| Message { role: Role::System, content });
            let user = message.map(|content| Message { role: Role::User, content });
            Prompt::Messages { messages: system.into_iter().chain(user).collect() }
        }
    };
    let sampling = Sampling {
        temperature: arguments.temperature,
        top_k: arguments.top_k,
        top_p: arguments.top_p,
        min_p: arguments.min_p,
        repetition_penalty: arguments.repetition_penalty,
        seed: arguments.seed,
        ..Sampling::default()
    };
    let schema = match arguments.schema {
        Some(file) => Some(read_schema(&file)?),
        None => None,
    };
    let request =
        Request { prompt, max_tokens: arguments.max_tokens, sampling, stop: arguments.stop, schema };
    let mut generation = model.begin(&request, clock)?;
    let mut text = String::new();
    let answer = loop {
        match runtime.block_on(model.step(&mut generation))? {
            Step::Reading { .. } => {}
            Step::Token { id, text: piece } => {
                print_line(&json!({"id": id, "text": piece}))?;
                text.push_str(&piece);
            }
            Step::Ended(answer) => break answer,
        }
    };
    text.push_str(&answer.text);
    print_line(&json!({
        "ids": generation.tokens(),
        "text": text,
        "end": answer.end,
        "usage": answer.usage,
        "model": arguments.model,
    }))
}

fn read_schema(file: &Path) -> Result<Value, Mistake> {
    let shown = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| Mistake(format!("{shown} cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Mistake(format!("{shown} is no JSON: {error}")))
}
