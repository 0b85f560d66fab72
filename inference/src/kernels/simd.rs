//! Which instructions the kernels may use, and the few functions that they are built from.

/// Columns of a register tile: two vectors of four lanes in the browser, two of eight natively.
pub(super) const COLUMNS: usize = if cfg!(target_arch = "wasm32") { 8 } else { 16 };

/// The instruction set that kernels run with, found once per process and passed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// What the target was compiled for: simd128 in the browser, SSE2 or NEON natively.
    Baseline,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Level {
    /// The best level that this machine has.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return Self::Avx2;
        }
        Self::Baseline
    }
}

/// Runs `$name` compiled for `$level`. The body is an `#[inline(always)]` generic over `FMA`, so that the wrapper
/// with `#[target_feature]` compiles it with the wider instructions.
macro_rules! at_level {
    ($level:expr, $body:ident ( $($arg:ident : $ty:ty),* $(,)? )) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn wide($($arg: $ty),*) {
            $body::<true>($($arg),*)
        }
        match $level {
            $crate::kernels::Level::Baseline => $body::<false>($($arg),*),
            // SAFETY: `Level::detect` is the only source of this variant and has found both features.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "calling a function that needs CPU features which were detected")]
            $crate::kernels::Level::Avx2 => unsafe { wide($($arg),*) },
        }
    }};
}
pub(super) use at_level;

/// `a * b + c`, in one rounding where the instruction exists; never the software routine.
#[inline(always)]
pub(super) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `sums + a * b`. By value, so that the sums stay in registers; a loop, as everywhere in the kernels: a closure may stay
/// a function of its own (`array::from_fn` and `for_each` call theirs), compiled without the wider instructions, and then
/// each `mul_add` calls the software routine.
#[inline(always)]
pub(super) fn add_products<const FMA: bool, const N: usize>(
    sums: [f32; N],
    a: f32,
    b: &[f32; N],
) -> [f32; N] {
    let mut out = [0.0; N];
    for j in 0..N {
        out[j] = multiply_add::<FMA>(a, b[j], sums[j]);
    }
    out
}

/// e^x for x in [-87, 88], relative error below 2e-7; smaller x gives about 1e-38, which is as good as zero here.
///
/// Cephes' `expf`: x = n ln 2 + r, a polynomial for e^r, n added to the exponent bits.
#[inline(always)]
pub(super) fn exp<const FMA: bool>(x: f32) -> f32 {
    // Adding 1.5 * 2^23 leaves round(x / ln 2) in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = multiply_add::<FMA>(x, std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = multiply_add::<FMA>(n, -0.693_359_4, x);
    let r = multiply_add::<FMA>(n, 2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4;
    p = multiply_add::<FMA>(p, r, 1.398_199_9e-3);
    p = multiply_add::<FMA>(p, r, 8.333_452e-3);
    p = multiply_add::<FMA>(p, r, 4.166_579_6e-2);
    p = multiply_add::<FMA>(p, r, 1.666_666_6e-1);
    p = multiply_add::<FMA>(p, r, 0.5);
    let e_r = multiply_add::<FMA>(p * r, r, r + 1.0);
    let exponent = shifted.to_bits().wrapping_sub(MAGIC.to_bits()) << 23;
    f32::from_bits(e_r.to_bits().wrapping_add(exponent))
}

/// x Φ(x), the exact form of GELU, with erf from Abramowitz and Stegun 7.1.26 (absolute error below 2e-7).
#[inline(always)]
pub(super) fn gelu<const FMA: bool>(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / multiply_add::<FMA>(0.327_591_1, z, 1.0);
    let mut p = 1.061_405_4;
    p = multiply_add::<FMA>(p, t, -1.453_152);
    p = multiply_add::<FMA>(p, t, 1.421_413_7);
    p = multiply_add::<FMA>(p, t, -0.284_496_74);
    p = multiply_add::<FMA>(p, t, 0.254_829_6);
    let erf = 1.0 - p * t * exp::<FMA>(-z * z);
    // x/2 (1 + erf(x)) = (x + |x| erf(|x|)) / 2, as erf is odd.
    0.5 * multiply_add::<FMA>(x.abs(), erf, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_standard_library() {
        for i in -8600..=8700 {
            let x = i as f32 / 100.0;
            let want = f64::from(x).exp();
            let got = f64::from(exp::<false>(x));
            assert!((got / want - 1.0).abs() < 3e-7, "e^{x}: {got} instead of {want}");
        }
        assert!(exp::<false>(-1e30) < 1e-37);
    }

    #[test]
    fn gelu_agrees_with_known_values() {
        // x Φ(x) to ten digits.
        for (x, want) in [
            (-3.0f32, -0.004_049_694_1),
            (-1.0, -0.158_655_253_9),
            (-0.1, -0.046_017_216_3),
            (0.0, 0.0),
            (0.5, 0.345_731_230_6),
            (1.0, 0.841_344_746_1),
            (2.5, 2.484_475_835),
            (6.0, 5.999_999_994),
        ] {
            let got = f64::from(gelu::<false>(x));
            assert!((got - want).abs() < 5e-7, "gelu({x}): {got} instead of {want}");
        }
    }
}
