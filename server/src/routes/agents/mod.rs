//! Agent to agent (A2A): a card that says what this realm does, and messages that it answers; and models that call tools
//! (MCP).

pub mod card;
pub mod mcp;
pub mod message;
