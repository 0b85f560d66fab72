//! What work costs.

use serde::{Deserialize, Serialize};

use super::Amount;

/// What was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Times that a provider was asked.
    pub calls: u32,
    /// Tokens that were read.
    pub input_tokens: u64,
    /// Tokens that were written.
    pub output_tokens: u64,
    /// Milliseconds of work; waiting in a queue is none.
    pub work_ms: u64,
}

/// What a capability costs; the parts are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Price {
    /// For each call.
    pub per_call: Amount,
    /// For a thousand tokens read.
    pub per_1k_input_tokens: Amount,
    /// For a thousand tokens written.
    pub per_1k_output_tokens: Amount,
    /// For a second of work.
    pub per_second: Amount,
}

impl Price {
    /// A price of each call alone.
    pub fn per_call(amount: Amount) -> Self {
        Self { per_call: amount, ..Self::default() }
    }

    /// Whether nothing costs anything.
    pub fn is_free(&self) -> bool {
        *self == Self::default()
    }

    /// What this use costs, the sum rounded up to a whole millionth once; none where it is more than can be counted.
    pub fn cost(&self, usage: &Usage) -> Option<Amount> {
        let thousandths = |amount: Amount, count: u64| u128::from(amount.micro()) * u128::from(count);
        let parts = thousandths(self.per_1k_input_tokens, usage.input_tokens)
            .checked_add(thousandths(self.per_1k_output_tokens, usage.output_tokens))?
            .checked_add(thousandths(self.per_second, usage.work_ms))?;
        let whole =
            u64::try_from(parts.div_ceil(1_000)).ok().and_then(|micro| Amount::from_micro(micro).ok())?;
        self.per_call.checked_mul(usage.calls.into())?.checked_add(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micro(micro: u64) -> Amount {
        Amount::from_micro(micro).expect("small")
    }

    #[test]
    fn parts_add_up_and_are_rounded_up_once() {
        let price = Price {
            per_call: micro(10),
            per_1k_input_tokens: micro(1),
            per_1k_output_tokens: micro(3),
            per_second: micro(100),
        };
        let usage = Usage { calls: 2, input_tokens: 400, output_tokens: 700, work_ms: 1_499 };
        // 20 + 0.4 + 2.1 + 149.9
        assert_eq!(price.cost(&usage), Some(micro(173)));
        assert_eq!(price.cost(&Usage::default()), Some(Amount::ZERO));
        assert!(Price::default().is_free() && !price.is_free());
    }

    #[test]
    fn what_cannot_be_counted_has_no_cost() {
        let most =
            Usage { calls: u32::MAX, input_tokens: u64::MAX, output_tokens: u64::MAX, work_ms: u64::MAX };
        let all = Price {
            per_call: Amount::MAX,
            per_1k_input_tokens: Amount::MAX,
            per_1k_output_tokens: Amount::MAX,
            per_second: Amount::MAX,
        };
        assert_eq!(all.cost(&most), None);
        assert_eq!(
            Price { per_call: micro(1), ..Price::default() }.cost(&most),
            Some(micro(u32::MAX.into()))
        );
    }
}
