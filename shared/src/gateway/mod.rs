//! Which upstream answers a request of the gateway: the policy, the measurements that it uses and the breaker that
//! keeps it away from what is down. Pure: times are milliseconds of any clock that does not go back, and chance is a
//! seed that is passed in.

mod breaker;
mod choose;
mod decision;
mod window;

pub use breaker::{Breaker, BreakerSettings, Standing};
pub use choose::{
    Choice, Exclusion, Features, Needs, Policy, Price, Ranked, Reason, Role, Seen, Target, choose,
};
pub use decision::{Attempt, CacheUse, Decision, LeftOut, Outcome, Placed};
pub use window::{Measured, Window};
