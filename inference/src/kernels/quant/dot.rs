//! The inner loop: one row of quants with several rows of activations.
//!
//! The one place with instructions written out, because no compiler finds them: products of 16 bits that are summed to
//! 32 bits in one step (`madd` with AVX2, `dot_i16x8` in the browser).

use crate::weights::blocks::GROUP;

/// `sum over groups of scale * x_scale * (w · x)`, for T rows of activations.
///
/// `scales` has one element a group of 32, or two where HALVES; `FMA` tells that AVX2 and FMA were detected.
#[inline(always)]
pub(super) fn dot<const FMA: bool, const HALVES: bool, const T: usize>(
    w: &[i8],
    scales: &[f32],
    x: [&[i16]; T],
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
    x: [&[i16]; T],
    x_scales: [&[f32]; T],
) -> [f32; T] {
    use std::arch::x86_64::*;

    let w = w.as_chunks::<GROUP>().0;
    let groups = w.len();
    let scales = &scales[..if HALVES { 2 * groups } else { groups }];
    let x: [&[[i16; GROUP]]; T] = x.map(|x| &x.as_chunks::<GROUP>().0[..groups]);
    let x_scales = x_scales.map(|scales| &scales[..groups]);
    let mut sums = [_mm256_setzero_ps(); T];
    for group in 0..groups {
        let halves: [__m128i; 2] = bytemuck::cast(w[group]);
        let w = halves.map(|half| _mm256_cvtepi8_epi16(half));
        for t in 0..T {
            let x: [__m256i; 2] = bytemuck::cast(x[t][group]);
            let (low, high) = (_mm256_madd_epi16(w[0], x[0]), _mm256_madd_epi16(w[1], x[1]));
            let x_scale = x_scales[t][group];
            if HALVES {
                let scale = |half: usize| _mm256_set1_ps(scales[2 * group + half] * x_scale);
                sums[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(low), scale(0), sums[t]);
                sums[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(high), scale(1), sums[t]);
            } else {
                let all = _mm256_cvtepi32_ps(_mm256_add_epi32(low, high));
                sums[t] = _mm256_fmadd_ps(all, _mm256_set1_ps(scales[group] * x_scale), sums[t]);
            }
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
    x: [&[i16]; T],
    x_scales: [&[f32]; T],
) -> [f32; T] {
    let w = w.as_chunks::<GROUP>().0;
    std::array::from_fn(|t| {
        let mut sum = 0.0;
        for (group, (w, x)) in w.iter().zip(x[t].as_chunks::<GROUP>().0).enumerate() {
            let part = |from: usize, to: usize| -> f32 {
                let products = w[from..to].iter().zip(&x[from..to]);
                products.map(|(w, x)| i32::from(*w) * i32::from(*x)).sum::<i32>() as f32
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
