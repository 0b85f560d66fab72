//! What is no part of the first view: it comes in files of its own, when it is needed or nobody does anything, whichever is
//! first. With the feature `split`, nothing that is used by a file's function alone is anywhere else.

use mtor_shared::{
    engine,
    problem::{Problem, ProblemCode},
    stream::Chunk,
    wire,
};
use wasm_bindgen_futures::spawn_local;

use crate::{
    executors::remote,
    platform::page,
    screens::{chat, federation, models},
};

/// A function that brings what `$parts` says in a file named `$name`.
///
/// # Errors
/// [`Missing`] when the file does not come; it is asked for again the next time.
macro_rules! file {
    ($(#[$about:meta])* $name:ident: $kind:ty = $parts:expr) => {
        $(#[$about])*
        #[cfg(feature = "split")]
        #[wasm_split_helpers::wasm_split($name, fallible)]
        pub(crate) fn $name() -> Result<$kind, Missing> {
            Ok($parts)
        }

        $(#[$about])*
        #[cfg(not(feature = "split"))]
        pub(crate) async fn $name() -> Result<$kind, Missing> {
            Ok($parts)
        }
    };
}

file! {
    /// Messages of others.
    messages: Messages = Messages {
        engine: |text| wire::read(text).ok(),
        run: |text| wire::read(text).ok().map(Box::new),
    }
}
file! {
    /// Conversations.
    chat: chat::Parts = chat::PARTS
}
file! {
    /// Sources.
    federation: Federation = Federation { screen: federation::PARTS, reading: remote::READING }
}
file! {
    /// Models on this device.
    models: models::Parts = models::PARTS
}

/// How messages of others are read, none of which come before the first view is there. What this version does not know
/// is none of its business.
#[derive(Clone, Copy)]
pub(crate) struct Messages {
    /// What the engine says.
    pub(crate) engine: fn(&str) -> Option<engine::Event>,
    /// What the realm tells of a run.
    pub(crate) run: fn(&str) -> Option<Box<Chunk>>,
}

/// Everything about sources.
#[derive(Clone, Copy)]
pub(crate) struct Federation {
    /// What is drawn.
    pub(crate) screen: federation::Parts,
    /// How the realm's answers are read.
    pub(crate) reading: remote::Reading,
}

/// A file did not come.
pub(crate) struct Missing;

#[cfg(feature = "split")]
impl From<wasm_split_helpers::SplitLoaderError> for Missing {
    fn from(_: wasm_split_helpers::SplitLoaderError) -> Self {
        Self
    }
}

impl From<Missing> for Problem {
    fn from(_: Missing) -> Self {
        Self::retryable(
            ProblemCode::Offline,
            "This part of MTOR is not on this device yet, and the realm does not send it.",
            "See whether the network and the realm are there.",
        )
    }
}

/// Brings everything when nobody does anything, so that it is there at once when it is needed, and without a network too.
pub(crate) fn ahead() {
    page::at_rest(|| {
        spawn_local(async {
            // What does not come now is asked for again when it is needed.
            let _ = (messages().await, chat().await, federation().await, models().await);
        });
    });
}
