//! Agent to agent (A2A): a card that says what this realm does, and messages that it answers.

pub mod card;
pub mod message;
