//! The inner loop: one row of quants with several rows of activations.
//!
//! The one place with instructions written out, because no compiler finds them: products of bytes that are summed to
//! 32 bits in one or two steps (`maddubs` with AVX2, `dot_i16x8` in the browser).

use crate::weights::blocks::GROUP;

/// An activation in memory: a byte, except where widening it would be the most expensive step.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Lane = i8;
/// An activation in memory: a byte, except where widening it would be the most expensive step.
#[cfg(target_arch = "wasm32")]
pub(crate) type Lane = i16;

/// `sum over groups of scale * x_scale * (w · x)`, for T rows of activations.
///
/// `scales` has one element a group of 32, or two where HALVES; `FMA` tells that AVX2 and FMA were detected.
#[inline(always)]
pub(super) fn dot<const FMA: bool, const HALVES: bool, const T: usize>(
    w: &[i8],
    scales: &[f32],
    x: [&[Lane]; T],
    x_scales: [&[f32]; T],
) -> [f32; T] {
    #[cfg(target_arch = "x86_64")]
    if FMA {
        // SAFETY: only `at_level!` sets FMA, after both features were detected.
        #[expect(unsafe_code, reason = "calling a function that needs CPU features which were detected")]
        return unsafe { avx2::<HALVES, T>(w, scales, x, x_scales) };
    }
    #[cfg(target_arch = "wasm32")]
    return simd128::<HALVES, T>(w, scales, x, x_scales);
    #[cfg(not(target_arch = "wasm32"))]
    portable::<HALVES, T>(w, scales, x, x_scales)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline]
fn avx2<const HALVES: bool, const T: usize>(
    w: &[i8],
    scales: &[f32],
    x: [&[i8]; T],
    x_scales: [&[f32]; T],
) -> [f32; T] {
    use std::arch::x86_64::*;

    let w = w.as_chunks::<GROUP>().0;
    let groups = w.len();
    let scales = &scales[..if HALVES { 2 * groups } else { groups }];
    let x: [&[[i8; GROUP]]; T] = x.map(|x| &x.as_chunks::<GROUP>().0[..groups]);
    let x_scales = x_scales.map(|scales| &scales[..groups]);
    let ones = _mm256_set1_epi16(1);
    let mut sums = [_mm256_setzero_ps(); T];
    for group in 0..groups {
        let w: __m256i = bytemuck::cast(w[group]);
        // maddubs takes unsigned by signed bytes: the sign of w goes over to x.
        let magnitude = _mm256_abs_epi8(w);
        let scale = if HALVES {
            _mm256_set_m128(_mm_set1_ps(scales[2 * group + 1]), _mm_set1_ps(scales[2 * group]))
        } else {
            _mm256_set1_ps(scales[group])
        };
        for t in 0..T {
            let x = _mm256_sign_epi8(bytemuck::cast(x[t][group]), w);
            let pairs = _mm256_maddubs_epi16(magnitude, x);
            let fours = _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, ones));
            let scale = _mm256_mul_ps(scale, _mm256_set1_ps(x_scales[t][group]));
            sums[t] = _mm256_fmadd_ps(fours, scale, sums[t]);
        }
    }
    sums.map(|sum| bytemuck::cast::<__m256, [f32; 8]>(sum).iter().sum())
}

#[cfg(target_arch = "wasm32")]
#[inline(always)]
fn simd128<const HALVES: bool, const T: usize>(
    w: &[i8],
    scales: &[f32],
    x: [&[i16]; T],
    x_scales: [&[f32]; T],
) -> [f32; T] {
    use std::arch::wasm32::*;

    let w = w.as_chunks::<GROUP>().0;
    let groups = w.len();
    let scales = &scales[..if HALVES { 2 * groups } else { groups }];
    let x: [&[[i16; GROUP]]; T] = x.map(|x| &x.as_chunks::<GROUP>().0[..groups]);
    let x_scales = x_scales.map(|scales| &scales[..groups]);
    let mut sums = [f32x4_splat(0.0); T];
    for group in 0..groups {
        let [first, second]: [v128; 2] = bytemuck::cast(w[group]);
        let w = [
            i16x8_extend_low_i8x16(first),
            i16x8_extend_high_i8x16(first),
            i16x8_extend_low_i8x16(second),
            i16x8_extend_high_i8x16(second),
        ];
        for t in 0..T {
            let x: [v128; 4] = bytemuck::cast(x[t][group]);
            let low = i32x4_add(i32x4_dot_i16x8(w[0], x[0]), i32x4_dot_i16x8(w[1], x[1]));
            let high = i32x4_add(i32x4_dot_i16x8(w[2], x[2]), i32x4_dot_i16x8(w[3], x[3]));
            let x_scale = x_scales[t][group];
            let term = if HALVES {
                f32x4_add(
                    f32x4_mul(f32x4_convert_i32x4(low), f32x4_splat(scales[2 * group] * x_scale)),
                    f32x4_mul(f32x4_convert_i32x4(high), f32x4_splat(scales[2 * group + 1] * x_scale)),
                )
            } else {
                f32x4_mul(f32x4_convert_i32x4(i32x4_add(low, high)), f32x4_splat(scales[group] * x_scale))
            };
            sums[t] = f32x4_add(sums[t], term);
        }
    }
    sums.map(|sum| bytemuck::cast::<v128, [f32; 4]>(sum).iter().sum())
}

#[cfg(not(target_arch = "wasm32"))]
#[inline(always)]
fn portable<const HALVES: bool, const T: usize>(
    w: &[i8],
    scales: &[f32],
    x: [&[i8]; T],
    x_scales: [&[f32]; T],
) -> [f32; T] {
    let w = w.as_chunks::<GROUP>().0;
    std::array::from_fn(|t| {
        let mut sum = 0.0;
        for (group, (w, x)) in w.iter().zip(x[t].as_chunks::<GROUP>().0).enumerate() {
            let part = |from: usize, to: usize| -> f32 {
                let products = w[from..to].iter().zip(&x[from..to]);
                products.map(|(w, x)| i32::from(i16::from(*w) * i16::from(*x))).sum::<i32>() as f32
            };
            let term = if HALVES {
                part(0, 16) * scales[2 * group] + part(16, 32) * scales[2 * group + 1]
            } else {
                part(0, 32) * scales[group]
            };
            sum += term * x_scales[t][group];
        }
        sum
    })
}
