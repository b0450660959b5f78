//! Planes of two channels in bf16, of four in eight bits, and of one in bf16.

use std::arch::x86_64::*;

use crate::{
    conv3d::{
        plane::{Chunk, Plane, Read, TILE},
        quantize::Scale,
    },
    matmul::{avx512::mask, pack::zip_pairs},
};

/// Packs the channels of a plane; `$to(row)` is where a padded row goes, `$word` is what `$values`, sixteen of each channel, become. A
/// macro, since a closure over so many vectors is called, not inlined.
macro_rules! pack_rows {
    ($plane:ident, $channels:ident, $to:ident, $values:ident => $word:expr) => {{
        let padding = {
            let $values = $channels.map(|_| _mm512_setzero_ps());
            $word
        };
        for (row, source) in $plane.rows.iter().enumerate() {
            let words = $to(row);
            let rows = source.map(|row| {
                $channels.map(|x: Option<&[f32]>| x.map(|x| &x[row * $plane.width..][..$plane.width]))
            });
            for chunk in &$plane.chunks {
                let word = match rows {
                    Some(rows) if chunk.mask != 0 => {
                        let mut values = $channels.map(|_| _mm512_setzero_ps());
                        for (values, row) in values.iter_mut().zip(rows) {
                            if let Some(row) = row {
                                *values = read(chunk, row);
                            }
                        }
                        let $values = values;
                        $word
                    }
                    _ => padding,
                };
                let to = words[chunk.at..][..chunk.len].as_mut_ptr();
                // SAFETY: the mask keeps the store inside the slice.
                unsafe {
                    if chunk.len == TILE {
                        _mm512_storeu_si512(to.cast(), word);
                    } else {
                        _mm512_mask_storeu_epi32(to.cast(), mask(chunk.len), word);
                    }
                }
            }
        }
    }};
}

/// Two channels as pairs of bf16; a missing one is zero.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
pub(in crate::conv3d) fn pairs<'a>(
    plane: &Plane,
    channels: [Option<&[f32]>; 2],
    to: impl Fn(usize) -> &'a mut [u32],
) {
    pack_rows!(plane, channels, to, values => {
        zip_pairs(values[0], values[1])
    });
}

/// Four channels as quadruples of eight bits; a missing one is the zero of the scale.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
pub(in crate::conv3d) fn quads<'a>(
    plane: &Plane,
    channels: [Option<&[f32]>; 4],
    scale: Scale,
    to: impl Fn(usize) -> &'a mut [u32],
) {
    let (inverse, zero) = (_mm512_set1_ps(scale.inverse), _mm512_set1_ps(scale.zero));
    let most = _mm512_set1_epi32(255);
    let q = |x: __m512| {
        let q = _mm512_cvtps_epi32(_mm512_add_ps(_mm512_mul_ps(x, inverse), zero));
        _mm512_min_epi32(_mm512_max_epi32(q, _mm512_setzero_si512()), most)
    };
    pack_rows!(plane, channels, to, values => {
        let [a, b, c, d] = values;
        let low = _mm512_or_si512(q(a), _mm512_slli_epi32::<8>(q(b)));
        let high = _mm512_or_si512(q(c), _mm512_slli_epi32::<8>(q(d)));
        _mm512_or_si512(low, _mm512_slli_epi32::<16>(high))
    });
}

/// One channel as bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
pub(super) fn single(plane: &Plane, x: &[f32], packed: &mut [u16]) {
    for (source, packed) in plane.rows.iter().zip(packed.chunks_exact_mut(plane.row_len())) {
        let row = source.map(|row| &x[row * plane.width..][..plane.width]);
        for chunk in &plane.chunks {
            let values = row.map_or(_mm512_setzero_ps(), |row| read(chunk, row));
            let to = packed[chunk.at..][..chunk.len].as_mut_ptr();
            // SAFETY: the mask keeps the store inside the slice; both types are 256 plain bits.
            unsafe {
                let values = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(values));
                _mm256_mask_storeu_epi16(to.cast(), mask(chunk.len), values);
            }
        }
    }
}

/// The values of a chunk, zeros where it is padding.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]
fn read(chunk: &Chunk, row: &[f32]) -> __m512 {
    // SAFETY: chunks are made for rows of this width, and places beyond it are masked out.
    unsafe {
        match &chunk.read {
            Read::Neighbours { first } => {
                _mm512_maskz_loadu_ps(chunk.mask, row.as_ptr().wrapping_offset(*first))
            }
            Read::EveryOther { first, mask } => {
                let from = row.as_ptr().wrapping_offset(*first);
                let low = _mm512_maskz_loadu_ps(*mask as u16, from);
                let high = _mm512_maskz_loadu_ps((mask >> 16) as u16, from.wrapping_add(TILE));
                let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                _mm512_permutex2var_ps(low, even, high)
            }
            Read::Scattered(columns) => {
                let columns = _mm512_loadu_si512(columns.as_ptr().cast());
                _mm512_mask_i32gather_ps::<4>(_mm512_setzero_ps(), chunk.mask, columns, row.as_ptr().cast())
            }
        }
    }
}
