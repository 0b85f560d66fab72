//! Text to token ids and back.

mod bert;
mod byte_pairs;
mod pieces;
mod stream;
mod vocabulary;

pub use bert::BertTokenizer;
pub use stream::Utf8Stream;
pub use vocabulary::TextTokenizer;
