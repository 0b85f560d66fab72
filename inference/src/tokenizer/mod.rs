//! Text to token ids and back.

mod bert;
mod byte_pairs;
mod pieces;
mod stream;
mod vocabulary;

pub use bert::BertTokenizer;
pub(crate) use byte_pairs::{BytePairs, bytes_of};
pub use stream::Utf8Stream;
pub use vocabulary::TextTokenizer;
