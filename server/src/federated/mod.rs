//! Calls to providers: what is allowed out, what a plan becomes, how its steps are carried out.

pub mod address;
pub mod attached;
pub mod egress;
pub mod execute;
pub mod prepare;
