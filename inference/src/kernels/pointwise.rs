//! Functions of one number, applied to every element.

use super::simd::{Level, at_level, exp, gelu, multiply_add};

/// A function of one number, as networks use them after a product or alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pointwise {
    /// x.
    Identity,
    /// max(x, 0).
    Relu,
    /// x within two bounds.
    Clip { low: f32, high: f32 },
    /// x, or a part of it where it is negative.
    Leaky(f32),
    /// 1 / (1 + e^-x).
    Sigmoid,
    /// slope x + offset within 0 and 1.
    HardSigmoid { slope: f32, offset: f32 },
    /// x times max(0, min(1, x/6 + 1/2)).
    HardSwish,
    /// x / (1 + e^-x).
    Silu,
    /// x Φ(x).
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
    /// The error function.
    Erf,
    /// e^x.
    Exp,
    /// scale x + shift.
    Affine { scale: f32, shift: f32 },
}

/// `x = f(x)` for every element.
pub(crate) fn apply(level: Level, f: Pointwise, x: &mut [f32]) {
    if f != Pointwise::Identity {
        at_level!(level, each(f: Pointwise, x: &mut [f32]));
    }
}

#[inline(always)]
pub(super) fn each<const FMA: bool>(f: Pointwise, x: &mut [f32]) {
    match f {
        Pointwise::Identity => {}
        Pointwise::Relu => {
            for x in x.iter_mut() {
                *x = if *x > 0.0 { *x } else { 0.0 };
            }
        }
        Pointwise::Clip { low, high } => {
            for x in x.iter_mut() {
                let least = if *x > low { *x } else { low };
                *x = if least < high { least } else { high };
            }
        }
        Pointwise::Leaky(part) => {
            for x in x.iter_mut() {
                *x *= if *x < 0.0 { part } else { 1.0 };
            }
        }
        Pointwise::Sigmoid => {
            for x in x.iter_mut() {
                *x = 1.0 / (1.0 + exp::<FMA>(-*x));
            }
        }
        Pointwise::HardSigmoid { slope, offset } => {
            for x in x.iter_mut() {
                *x = multiply_add::<FMA>(slope, *x, offset).clamp(0.0, 1.0);
            }
        }
        Pointwise::HardSwish => {
            for x in x.iter_mut() {
                *x *= multiply_add::<FMA>(1.0 / 6.0, *x, 0.5).clamp(0.0, 1.0);
            }
        }
        Pointwise::Silu => {
            for x in x.iter_mut() {
                *x /= 1.0 + exp::<FMA>(-*x);
            }
        }
        Pointwise::Gelu => {
            for x in x.iter_mut() {
                *x = gelu::<FMA>(*x);
            }
        }
        Pointwise::Tanh => {
            for x in x.iter_mut() {
                *x = 1.0 - 2.0 / (1.0 + exp::<FMA>(2.0 * *x));
            }
        }
        Pointwise::Erf => {
            for x in x.iter_mut() {
                // gelu(z √2) = z/√2 (1 + erf(z)); near zero the series is exact and the quotient is not.
                let z = *x;
                let quotient = gelu::<FMA>(z * std::f32::consts::SQRT_2) * std::f32::consts::SQRT_2 / z - 1.0;
                *x = if z.abs() < 0.05 {
                    z * multiply_add::<FMA>(z * z, -0.376_126_4, std::f32::consts::FRAC_2_SQRT_PI)
                } else {
                    quotient
                };
            }
        }
        Pointwise::Exp => {
            for x in x.iter_mut() {
                *x = exp::<FMA>(*x);
            }
        }
        Pointwise::Affine { scale, shift } => {
            for x in x.iter_mut() {
                *x = multiply_add::<FMA>(scale, *x, shift);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_agree_with_known_values() {
        // To seven digits, from tables.
        for (f, x, want) in [
            (Pointwise::Relu, -2.0f32, 0.0f32),
            (Pointwise::Clip { low: 0.0, high: 6.0 }, 7.5, 6.0),
            (Pointwise::Leaky(0.1), -2.0, -0.2),
            (Pointwise::Leaky(0.1), 2.0, 2.0),
            (Pointwise::Sigmoid, 1.0, 0.731_058_6),
            (Pointwise::HardSigmoid { slope: 0.2, offset: 0.5 }, 1.0, 0.7),
            (Pointwise::HardSwish, 1.0, 0.666_666_7),
            (Pointwise::Silu, -1.0, -0.268_941_4),
            (Pointwise::Gelu, 1.0, 0.841_344_7),
            (Pointwise::Tanh, 0.5, 0.462_117_2),
            (Pointwise::Erf, 0.5, 0.520_499_9),
            (Pointwise::Erf, -1.5, -0.966_105_1),
            (Pointwise::Erf, 0.01, 0.011_283_416),
            (Pointwise::Exp, 1.0, std::f32::consts::E),
            (Pointwise::Affine { scale: 3.0, shift: 1.0 }, 2.0, 7.0),
        ] {
            for level in [Level::Baseline, Level::detect()] {
                // Long enough for the vectors and the rest behind them.
                let mut values = [x; 19];
                apply(level, f, &mut values);
                for got in values {
                    assert!((got - want).abs() < 1e-6, "{f:?} of {x}: {got} instead of {want}");
                }
            }
        }
    }
}
