//! Numbers within bounds, digit by digit.

/// Digits at most, which a double holds exactly, and those of them after the point.
const DIGITS: u32 = 15;
const FRACTION: u32 = 6;

/// Which numbers are allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NumberRule {
    /// Whether there is no point.
    pub(super) integer: bool,
    /// The least one.
    pub(super) least: f64,
    /// Whether the least one itself is out.
    pub(super) above: bool,
    /// The greatest one.
    pub(super) most: f64,
    /// Whether the greatest one itself is out.
    pub(super) below: bool,
    /// What it is a multiple of; only for integers.
    pub(super) step: Option<i64>,
}

impl Default for NumberRule {
    fn default() -> Self {
        Self {
            integer: false,
            least: f64::NEG_INFINITY,
            above: false,
            most: f64::INFINITY,
            below: false,
            step: None,
        }
    }
}

/// How far a number has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NumberState {
    negative: bool,
    /// The digits so far, the point left out.
    digits: i64,
    /// Digits before the point.
    whole: u32,
    /// Digits after the point; none without a point.
    fraction: Option<u32>,
}

impl NumberState {
    pub(super) const START: Self = Self { negative: false, digits: 0, whole: 0, fraction: None };

    /// The number goes on; none where no allowed one can follow.
    pub(super) fn step(self, rule: &NumberRule, byte: u8) -> Option<Self> {
        let next = self.raw(rule, byte)?;
        next.missing(rule).is_some().then_some(next)
    }

    fn value(self) -> f64 {
        // Exact as long as the digits are: the same as parsing the text, but for the last bit.
        let size = self.digits as f64 / 10f64.powi(self.fraction.unwrap_or_default() as i32);
        if self.negative { -size } else { size }
    }

    /// Whether it may end here.
    pub(super) fn is_complete(self, rule: &NumberRule) -> bool {
        let value = self.value();
        let inside = (if rule.above { value > rule.least } else { value >= rule.least })
            && (if rule.below { value < rule.most } else { value <= rule.most });
        let multiple = rule.step.is_none_or(|step| self.digits % step == 0);
        // -0 is a number that some readers do not take for an integer.
        let plain = !(self.negative && self.digits == 0);
        self.whole > 0 && self.fraction != Some(0) && inside && multiple && plain
    }

    /// Bytes of the shortest way to an allowed number; none where there is none.
    ///
    /// Digits are tried breadth first where the range of what can follow touches the bounds: a handful of steps.
    pub(super) fn missing(self, rule: &NumberRule) -> Option<usize> {
        if self.is_complete(rule) {
            return Some(0);
        }
        let mut front = vec![self];
        for length in 1..=(DIGITS + FRACTION + 2) as usize {
            let mut wider = Vec::new();
            for state in &front {
                for byte in *b"0123456789.-" {
                    let Some(next) = state.raw(rule, byte) else { continue };
                    if next.is_complete(rule) {
                        return Some(length);
                    }
                    if next.can_reach(rule) {
                        wider.push(next);
                    }
                }
            }
            // Where a step is wanted, many ways stay open, and any of them does.
            wider.truncate(64);
            front = wider;
            if front.is_empty() {
                break;
            }
        }
        None
    }

    /// `step` without looking ahead.
    fn raw(self, rule: &NumberRule, byte: u8) -> Option<Self> {
        let mut next = self;
        match byte {
            b'-' if self == Self::START => next.negative = true,
            b'.' if !rule.integer && self.whole > 0 && self.fraction.is_none() => next.fraction = Some(0),
            b'0'..=b'9' => {
                if self.fraction.is_none() && self.whole > 0 && self.digits == 0 {
                    return None;
                }
                if self.whole + self.fraction.unwrap_or_default() == DIGITS {
                    return None;
                }
                next.digits = self.digits * 10 + i64::from(byte - b'0');
                match &mut next.fraction {
                    Some(count) if *count < FRACTION => *count += 1,
                    None => next.whole += 1,
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(next)
    }

    /// Whether digits that follow can bring it between the bounds.
    fn can_reach(self, rule: &NumberRule) -> bool {
        let (low, high) = match self.fraction {
            // Every further digit is worth less than one of the last.
            Some(count) => {
                let size = self.digits as f64;
                let unit = 10f64.powi(count as i32);
                (size / unit, (size + 1.0) / unit)
            }
            None if self.whole == 0 => (0.0, f64::INFINITY),
            None if self.digits == 0 => (0.0, 1.0),
            None => (self.digits as f64, f64::INFINITY),
        };
        let (low, high) = if self.negative { (-high, -low) } else { (low, high) };
        low <= rule.most && high >= rule.least && (self.reaches_by_digits(rule) || self.fraction.is_some())
    }

    /// Whether some number of further digits before the point fits between the bounds.
    fn reaches_by_digits(self, rule: &NumberRule) -> bool {
        if self.whole == 0 || self.digits == 0 {
            return true;
        }
        let (mut low, mut high) = (self.digits as f64, self.digits as f64 + 1.0);
        for _ in self.whole..=DIGITS {
            let (least, most) = if self.negative { (-high, -low) } else { (low, high) };
            if least <= rule.most && most >= rule.least {
                return true;
            }
            (low, high) = (low * 10.0, high * 10.0);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(rule: &NumberRule, text: &str) -> Option<bool> {
        let state = text.bytes().try_fold(NumberState::START, |state, byte| state.step(rule, byte))?;
        Some(state.is_complete(rule))
    }

    #[test]
    fn integers_stay_between_their_bounds() {
        let rule = NumberRule { integer: true, least: 3.0, most: 120.0, ..NumberRule::default() };
        for (text, want) in [
            ("3", Some(true)),
            ("1", Some(false)),
            ("12", Some(true)),
            ("120", Some(true)),
            ("121", None),
            ("2", Some(false)),
            ("0", None),
            ("-", None),
            ("13.", None),
            ("1200", None),
        ] {
            assert_eq!(ends(&rule, text), want, "{text}");
        }
        let negative = NumberRule { integer: true, least: -20.0, most: -11.0, ..NumberRule::default() };
        assert_eq!(ends(&negative, "-1"), Some(false));
        assert_eq!(ends(&negative, "-15"), Some(true));
        assert_eq!(ends(&negative, "-3"), None);
        assert_eq!(ends(&negative, "1"), None);
    }

    #[test]
    fn multiples_and_open_bounds_are_kept() {
        let rule =
            NumberRule { integer: true, least: 0.0, most: 40.0, step: Some(15), ..NumberRule::default() };
        assert_eq!(ends(&rule, "30"), Some(true));
        assert_eq!(ends(&rule, "3"), Some(false));
        assert_eq!(ends(&rule, "31"), None);
        assert_eq!(ends(&rule, "4"), None);
        let open = NumberRule { least: 0.0, above: true, most: 1.0, below: true, ..NumberRule::default() };
        assert_eq!(ends(&open, "0"), Some(false));
        assert_eq!(ends(&open, "0.5"), Some(true));
        assert_eq!(ends(&open, "0."), Some(false));
        assert_eq!(ends(&open, "1"), None);
        assert_eq!(ends(&open, "-"), None);
    }

    #[test]
    fn what_json_does_not_know_is_no_number() {
        let rule = NumberRule::default();
        for text in ["01", "--1", "+1", ".5", "1..2", "1e5", "-.5"] {
            assert_eq!(ends(&rule, text), None, "{text}");
        }
        assert_eq!(ends(&rule, "-0.25"), Some(true));
        assert_eq!(ends(&rule, "1."), Some(false));
    }
}
