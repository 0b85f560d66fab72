//! BERT's tokenizer, for encoders.

use mtor_shared::problem::Problem;
use serde::Deserialize;
use tokenizers::{
    AddedToken, TokenizerImpl, TruncationParams, decoders::wordpiece::WordPiece as Decoder,
    models::wordpiece::WordPiece, normalizers::BertNormalizer, pre_tokenizers::bert::BertPreTokenizer,
    processors::template::TemplateProcessing,
};

use crate::weights::unreadable;

/// BERT's WordPiece, from a `tokenizer.json`.
///
/// Assembled from the parts that BERT uses: `Tokenizer::from_bytes` would link every kind of tokenizer into the
/// browser's wasm.
pub struct BertTokenizer(
    TokenizerImpl<WordPiece, BertNormalizer, BertPreTokenizer, TemplateProcessing, Decoder>,
);

/// The parts of `tokenizer.json` that are read. Its truncation and padding are what the file was saved with, not what
/// the model needs.
#[derive(Deserialize)]
struct File {
    added_tokens: Vec<Added>,
    normalizer: BertNormalizer,
    post_processor: TemplateProcessing,
    model: WordPiece,
}

#[derive(Deserialize)]
struct Added {
    content: String,
    special: bool,
}

impl BertTokenizer {
    /// Reads `tokenizer.json`; texts are truncated to `limit` tokens, those at both ends included.
    ///
    /// # Errors
    ///
    /// When the file is not a tokenizer of this kind.
    pub fn new(json: &[u8], limit: usize) -> Result<Self, Problem> {
        let damaged =
            |error: &dyn std::fmt::Display| unreadable(format_args!("tokenizer.json is damaged ({error})"));
        let file: File = serde_json::from_slice(json).map_err(|error| damaged(&error))?;
        let mut tokenizer = TokenizerImpl::new(file.model);
        tokenizer
            .with_normalizer(Some(file.normalizer))
            .with_pre_tokenizer(Some(BertPreTokenizer))
            .with_post_processor(Some(file.post_processor));
        let added: Vec<AddedToken> = file
            .added_tokens
            .into_iter()
            .map(|token| AddedToken::from(token.content, token.special))
            .collect();
        tokenizer.add_special_tokens(&added);
        tokenizer
            .with_truncation(Some(TruncationParams { max_length: limit, ..TruncationParams::default() }))
            .map_err(|error| damaged(&error))?;
        Ok(Self(tokenizer))
    }

    /// The ids of a text, from `[CLS]` to `[SEP]`.
    ///
    /// # Errors
    ///
    /// None is known for this kind of tokenizer; the library's signature has one.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>, Problem> {
        let encoding = self.0.encode_fast(text, true);
        Ok(encoding
            .map_err(|error| unreadable(format_args!("the tokenizer failed ({error})")))?
            .get_ids()
            .to_vec())
    }
}
