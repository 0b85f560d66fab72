//! $9000 credits: what the caller has, what moved, what things cost, and what operators decide.

pub mod accounts;
pub mod balance;
pub mod entries;
pub mod export;
pub mod head;
pub mod issue;
pub mod limits;
pub mod months;
pub mod prices;
pub mod send;
pub mod set_limits;
pub mod set_price;
