//! Amounts of credits: whole millionths, never negative, never more than JSON carries exactly.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Millionths of a $9000 credit. There are no floats on the way: `1.0`, `-1` and `1e3` are refused when they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = u64, maximum = 9_007_199_254_740_991_u64))]
#[serde(try_from = "u64", into = "u64")]
pub struct Amount(u64);

/// A number or text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// More than [`Amount::MAX`].
    #[error("an amount is at most 9007199254740991 millionths of a credit")]
    TooLarge,
    /// Not digits with at most six more behind a point.
    #[error("an amount is written in digits, with at most six behind the point, for example 12.5")]
    NotDecimal,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// 2^53 - 1: what every reader of JSON reads exactly.
    pub const MAX: Self = Self((1 << 53) - 1);
    /// Millionths in a credit.
    pub const MICRO_PER_CREDIT: u64 = 1_000_000;

    /// So many millionths.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`] beyond [`Amount::MAX`].
    pub const fn from_micro(micro: u64) -> Result<Self, AmountError> {
        if micro > Self::MAX.0 { Err(AmountError::TooLarge) } else { Ok(Self(micro)) }
    }

    /// So many whole credits.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`] beyond [`Amount::MAX`].
    pub const fn from_credits(credits: u64) -> Result<Self, AmountError> {
        match credits.checked_mul(Self::MICRO_PER_CREDIT) {
            Some(micro) => Self::from_micro(micro),
            None => Err(AmountError::TooLarge),
        }
    }

    /// In millionths.
    pub const fn micro(self) -> u64 {
        self.0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, unless it is too large.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(|micro| Self::from_micro(micro).ok())
    }

    /// The difference, unless it is below nothing.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// So many times as much, unless it is too large.
    pub fn checked_mul(self, times: u64) -> Option<Self> {
        self.0.checked_mul(times).and_then(|micro| Self::from_micro(micro).ok())
    }

    /// The difference, or nothing.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// A share of it in hundredths of a percent, rounded down; never more than the whole.
    #[must_use]
    pub fn share(self, basis_points: u16) -> Self {
        let share = u128::from(self.0) * u128::from(basis_points.min(10_000)) / 10_000;
        Self(u64::try_from(share).unwrap_or(self.0))
    }
}

impl TryFrom<u64> for Amount {
    type Error = AmountError;

    fn try_from(micro: u64) -> Result<Self, AmountError> {
        Self::from_micro(micro)
    }
}

impl From<Amount> for u64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

/// In credits: `12.5`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / Self::MICRO_PER_CREDIT, self.0 % Self::MICRO_PER_CREDIT);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{rest:06}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// Reads credits: `12.5`.
impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(rest) || rest.len() > 6 {
            return Err(AmountError::NotDecimal);
        }
        let whole = Self::from_credits(whole.parse().map_err(|_| AmountError::TooLarge)?)?;
        let rest: u64 = format!("{rest:0<6}").parse().map_err(|_| AmountError::NotDecimal)?;
        whole.checked_add(Self(rest)).ok_or(AmountError::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_amount_is_not_read_as_one() {
        let max = Amount::MAX.micro();
        for good in [0, 1, max] {
            assert_eq!(serde_json::from_str::<Amount>(&good.to_string()).expect("valid").micro(), good);
        }
        let too_large = (max + 1).to_string();
        for bad in ["-1", "1.0", "1e3", "NaN", "null", "\"1\"", "-0", "18446744073709551616", &too_large] {
            assert!(serde_json::from_str::<Amount>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn credits_are_read_as_they_are_written() {
        for (text, micro) in [("0", 0), ("12.5", 12_500_000), ("0.000001", 1), ("9000", 9_000_000_000)] {
            assert_eq!(text.parse::<Amount>().map(Amount::micro), Ok(micro));
            assert_eq!(Amount(micro).to_string(), text);
        }
        for bad in
            ["", "-1", "+1", "1.", ".5", "1.0000001", "1e3", "1 ", "NaN", "inf", "99999999999999999999"]
        {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sums_stay_within_bounds() {
        assert_eq!(Amount::MAX.checked_add(Amount(1)), None);
        assert_eq!(Amount(1).checked_sub(Amount(2)), None);
        assert_eq!(Amount::MAX.checked_mul(u64::MAX), None);
        assert_eq!(Amount::MAX.share(10_000), Amount::MAX);
        assert_eq!(Amount(999).share(1_000), Amount(99));
        assert_eq!(Amount(5).share(u16::MAX), Amount(5));
    }

    proptest! {
        #[test]
        fn text_round_trips(micro in 0..=Amount::MAX.0) {
            prop_assert_eq!(Amount(micro).to_string().parse(), Ok(Amount(micro)));
        }
    }
}
