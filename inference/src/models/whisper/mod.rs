//! Whisper: speech to text with times, 30 seconds at a time.
//!
//! `load` says which variables there are, `cpu` computes on the kernels, [`search`](Search) chooses tokens and
//! [`transcribe`](Transcription) walks through a sound of any length. The last two know nothing of how it is computed.

pub mod config;
mod cpu;
mod load;
mod search;
mod tokens;
mod transcribe;

pub use search::Search;
pub use tokens::WhisperTokens;
pub use transcribe::{Options, Piece, Step, Transcription};

use mtor_shared::{
    engine::Backend,
    problem::{Problem, ProblemCode},
};

use self::{
    config::{Config, STRIDE},
    search::{Found, Hunt, Rules},
};
use crate::{
    audio::{MelFrontEnd, WINDOW},
    kernels::{Level, log_softmax},
    weights::{Ct2, Source, unreadable},
};

/// The loaded model.
pub struct Whisper {
    config: Config,
    tokens: WhisperTokens,
    mel: MelFrontEnd,
    encoder: cpu::Encoder,
    decoder: cpu::Decoder,
}

impl Whisper {
    /// Loads the model; `loaded` is told after each part how much of 1 is done.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is not this model's.
    pub async fn load<S: Source>(
        weights: S,
        tokenizer: &[u8],
        mut loaded: impl FnMut(f64),
    ) -> Result<Self, Problem> {
        let file = Ct2::open(weights).await?;
        let config = Config::new(&file).await?;
        if config.positions != WINDOW / STRIDE {
            return Err(unreadable(format_args!("the model listens to {} states", config.positions)));
        }
        let tokens = WhisperTokens::new(tokenizer, config.vocabulary)?;
        let encoder = cpu::Encoder::load(&file, config, |part| loaded(0.5 * part)).await?;
        let decoder = cpu::Decoder::load(&file, config, |part| loaded(0.5 + 0.5 * part)).await?;
        Ok(Self { config, tokens, mel: MelFrontEnd::new(config.bands), encoder, decoder })
    }

    /// Where it computes.
    pub fn backend(&self) -> Backend {
        Backend::Cpu
    }

    /// Its tokenizer.
    pub fn tokens(&self) -> &WhisperTokens {
        &self.tokens
    }

    /// Its sizes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Logits of what follows `ids`, `[vocabulary]`, after listening to `mel`, `[frames, bands]` as the front end scales it.
    /// For comparing with other implementations.
    ///
    /// # Errors
    ///
    /// `bad-request` for tokens or frames that the model does not take.
    pub fn logits(&mut self, mel: &[f32], ids: &[u32]) -> Result<Vec<f32>, Problem> {
        let Config { bands, vocabulary, context, .. } = self.config;
        let frames = mel.len() / bands;
        if ids.is_empty()
            || ids.len() > context
            || ids.iter().any(|id| *id as usize >= vocabulary)
            || frames == 0
            || frames > WINDOW
            || !frames.is_multiple_of(STRIDE)
        {
            return Err(Problem::new(
                ProblemCode::BadRequest,
                "The model does not take these tokens or frames.",
                "",
            ));
        }
        self.listen(mel);
        let sees: Vec<u32> = (0..ids.len() as u32).collect();
        let rows: Vec<cpu::Row<'_>> = ids
            .iter()
            .enumerate()
            .map(|(position, token)| cpu::Row { token: *token, position, sees: &sees[..=position] })
            .collect();
        Ok(self.decoder.read(&rows, ids.len() - 1).to_vec())
    }

    /// Listens to frames, [frames, bands].
    fn listen(&mut self, mel: &[f32]) {
        let states = self.encoder.forward(mel);
        self.decoder.listen(&states);
    }

    /// How likely each language is, the likeliest first; empty where the model knows only English.
    fn languages(&mut self) -> Vec<(u32, f32)> {
        let languages = self.tokens.languages();
        if languages.is_empty() {
            return Vec::new();
        }
        self.decoder.forget();
        let row = cpu::Row { token: self.tokens.start, position: 0, sees: &[0] };
        let logits = self.decoder.read(&[row], 0);
        let mut shares: Vec<f32> = languages.iter().map(|(id, _)| logits[*id as usize]).collect();
        log_softmax(Level::detect(), &mut shares);
        let mut found: Vec<(u32, f32)> =
            languages.iter().zip(shares).map(|((id, _), share)| (*id, share.exp())).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found
    }

    /// Finds the transcript of what it listens to.
    fn find(&mut self, prompt: &[u32], search: Search, times: bool) -> Found {
        // Half of the context at most, and what the prompt leaves of it.
        let context = self.config.context;
        let limit = (context / 2).min(context.saturating_sub(prompt.len().saturating_sub(1)));
        let rules = Rules { tokens: &self.tokens, times };
        Hunt { decoder: &mut self.decoder, rules, level: Level::detect(), limit }.find(prompt, search)
    }
}
