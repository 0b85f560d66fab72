//! Functions of two numbers over rows, where either side may be one number for the whole row.

use super::simd::{Level, at_level};

/// A function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairwise {
    /// a + b.
    Add,
    /// a - b.
    Subtract,
    /// b - a.
    SubtractFrom,
    /// a b.
    Multiply,
    /// a / b.
    Divide,
    /// b / a.
    DivideFrom,
    /// The greater one.
    Max,
    /// The lesser one.
    Min,
    /// a to the power of b.
    Power,
    /// b to the power of a.
    PowerOf,
}

impl Pairwise {
    /// The function with its sides exchanged.
    pub(crate) fn flipped(self) -> Self {
        match self {
            Self::Subtract => Self::SubtractFrom,
            Self::SubtractFrom => Self::Subtract,
            Self::Divide => Self::DivideFrom,
            Self::DivideFrom => Self::Divide,
            Self::Power => Self::PowerOf,
            Self::PowerOf => Self::Power,
            symmetric => symmetric,
        }
    }

    #[inline(always)]
    fn of(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::SubtractFrom => b - a,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::DivideFrom => b / a,
            Self::Max => a.max(b),
            Self::Min => a.min(b),
            Self::Power => power(a, b),
            Self::PowerOf => power(b, a),
        }
    }
}

#[inline(always)]
fn power(base: f32, exponent: f32) -> f32 {
    if exponent == 2.0 { base * base } else { base.powf(exponent) }
}

/// `a = f(a, b)` element by element.
pub(crate) fn combine(level: Level, f: Pairwise, a: &mut [f32], b: &[f32]) {
    at_level!(level, rows(f: Pairwise, a: &mut [f32], b: &[f32]));
}

/// `a = f(a, b)` with one number b.
pub(crate) fn combine_with(level: Level, f: Pairwise, a: &mut [f32], b: f32) {
    at_level!(level, row_and_number(f: Pairwise, a: &mut [f32], b: f32));
}

#[inline(always)]
fn rows<const FMA: bool>(f: Pairwise, a: &mut [f32], b: &[f32]) {
    macro_rules! all {
        ($($f:ident)*) => {
            match f { $(Pairwise::$f => a.iter_mut().zip(b).for_each(|(a, b)| *a = Pairwise::$f.of(*a, *b)),)* }
        };
    }
    all!(Add Subtract SubtractFrom Multiply Divide DivideFrom Max Min Power PowerOf);
}

#[inline(always)]
fn row_and_number<const FMA: bool>(f: Pairwise, a: &mut [f32], b: f32) {
    macro_rules! all {
        ($($f:ident)*) => {
            match f { $(Pairwise::$f => a.iter_mut().for_each(|a| *a = Pairwise::$f.of(*a, b)),)* }
        };
    }
    all!(Add Subtract SubtractFrom Multiply Divide DivideFrom Max Min Power PowerOf);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_may_be_exchanged() {
        let (a, b) = ([2.0f32, 3.0, -4.0, 9.0], [4.0f32, 0.5, 2.0, 3.0]);
        for f in [
            Pairwise::Add,
            Pairwise::Subtract,
            Pairwise::Multiply,
            Pairwise::Divide,
            Pairwise::Max,
            Pairwise::Min,
            Pairwise::Power,
        ] {
            let (mut one, mut other) = (a, b);
            combine(Level::detect(), f, &mut one, &b);
            combine(Level::detect(), f.flipped(), &mut other, &a);
            for i in 0..4 {
                assert!(one[i] == other[i] || one[i].is_nan() && other[i].is_nan(), "{f:?}");
            }
        }
        let mut one = a;
        combine(Level::detect(), Pairwise::Power, &mut one, &b);
        assert_eq!(one[0], 16.0);
        let mut one = a;
        combine_with(Level::detect(), Pairwise::SubtractFrom, &mut one, 1.0);
        assert_eq!(one, [-1.0, -2.0, 5.0, -8.0]);
    }
}
