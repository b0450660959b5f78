//! Planes of two channels in bf16, of four in eight bits, and of one in bf16.

use std::{arch::x86_64::*, ops::Range};

use crate::{
    avx512::{mask, to_half, zip_pairs},
    conv3d::{
        frames::Values,
        plane::{Chunk, Plane, Read, TILE},
        quantize::Scale,
    },
};

/// Packs words of a plane: `$channel(word, i)` is channel `i` of the `$depth` of a word, `$to(row, word)` where a padded
/// row goes, `$word` what `$values`, sixteen of each channel, become. A macro, since a closure over so many vectors is
/// called, not inlined.
macro_rules! pack_rows {
    ($plane:ident, $words:ident, $depth:literal, $channel:ident, $to:ident, $values:ident => $word:expr) => {{
        let padding = {
            let $values = [_mm512_setzero_ps(); $depth];
            $word
        };
        let places = $plane.rows.iter().enumerate();
        for ((row, source), word) in places.flat_map(|row| $words.clone().map(move |word| (row, word))) {
            let channels: [Option<Values<'_>>; $depth] = std::array::from_fn(|i| $channel(word, i));
            let words = $to(row, word);
            let rows = source.map(|row| {
                channels.map(|x: Option<Values<'_>>| {
                    x.map(|x| x.part(row * $plane.width..(row + 1) * $plane.width))
                })
            });
            for chunk in &$plane.chunks {
                let word = match rows {
                    Some(rows) if chunk.mask != 0 => {
                        let mut values = [_mm512_setzero_ps(); $depth];
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(in crate::conv3d) fn pairs<'a, const NATIVE: bool>(
    plane: &Plane,
    words: Range<usize>,
    channel: impl Fn(usize, usize) -> Option<Values<'a>>,
    to: impl Fn(usize, usize) -> &'a mut [u32],
) {
    pack_rows!(plane, words, 2, channel, to, values => {
        // SAFETY: the path was chosen after detection.
        unsafe { zip_pairs::<NATIVE>(values[0], values[1]) }
    });
}

/// Four channels as quadruples of eight bits; a missing one is the zero of the scale.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(in crate::conv3d) fn quads<'a>(
    plane: &Plane,
    words: Range<usize>,
    channel: impl Fn(usize, usize) -> Option<Values<'a>>,
    scale: Scale,
    to: impl Fn(usize, usize) -> &'a mut [u32],
) {
    let (inverse, zero) = (_mm512_set1_ps(scale.inverse), _mm512_set1_ps(scale.zero));
    let most = _mm512_set1_epi32(255);
    let q = |x: __m512| {
        let q = _mm512_cvtps_epi32(_mm512_add_ps(_mm512_mul_ps(x, inverse), zero));
        _mm512_min_epi32(_mm512_max_epi32(q, _mm512_setzero_si512()), most)
    };
    pack_rows!(plane, words, 4, channel, to, values => {
        let [a, b, c, d] = values;
        let low = _mm512_or_si512(q(a), _mm512_slli_epi32::<8>(q(b)));
        let high = _mm512_or_si512(q(c), _mm512_slli_epi32::<8>(q(d)));
        _mm512_or_si512(low, _mm512_slli_epi32::<16>(high))
    });
}

/// One channel as bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn single<const NATIVE: bool>(plane: &Plane, x: &[f32], packed: &mut [u16]) {
    for (source, packed) in plane.rows.iter().zip(packed.chunks_exact_mut(plane.row_len())) {
        let row = source.map(|row| &x[row * plane.width..][..plane.width]);
        for chunk in &plane.chunks {
            let values = row.map_or(_mm512_setzero_ps(), |row| read(chunk, Values::F32(row)));
            let to = packed[chunk.at..][..chunk.len].as_mut_ptr();
            // SAFETY: the path was chosen after detection; the mask keeps the store inside the slice.
            unsafe { _mm256_mask_storeu_epi16(to.cast(), mask(chunk.len), to_half::<NATIVE>(values)) }
        }
    }
}

/// The values of a chunk, zeros where it is padding.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn read(chunk: &Chunk, row: Values<'_>) -> __m512 {
    // SAFETY: chunks are made for rows of this width, and places beyond it are masked out.
    unsafe {
        match &chunk.read {
            Read::Neighbours { first } => {
                prefetch(row, *first + 2 * row.len().cast_signed());
                load(chunk.mask, row, *first)
            }
            Read::EveryOther { first, mask } => {
                let low = load(*mask as u16, row, *first);
                let high = load((mask >> 16) as u16, row, first + TILE.cast_signed());
                let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                _mm512_permutex2var_ps(low, even, high)
            }
            Read::Twice { first, odd, mask } => {
                let columns = load(*mask, row, *first);
                let places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
                let odd = _mm512_set1_epi32(i32::from(*odd > 0));
                let halves = _mm512_srli_epi32::<1>(_mm512_add_epi32(places, odd));
                _mm512_maskz_permutexvar_ps(chunk.mask, halves, columns)
            }
            Read::Scattered(columns) => {
                let row = row.to_f32();
                let columns = _mm512_loadu_si512(columns.as_ptr().cast());
                _mm512_mask_i32gather_ps::<4>(_mm512_setzero_ps(), chunk.mask, columns, row.as_ptr().cast())
            }
        }
    }
}

/// Asks for a place that may lie behind the row: two rows on, which come after those of other channels.
#[inline]
#[target_feature(enable = "avx512f")]
fn prefetch(row: Values<'_>, at: isize) {
    let place: *const i8 = match row {
        Values::F32(row) => row.as_ptr().wrapping_offset(at).cast(),
        Values::Bf16(row) => row.as_ptr().wrapping_offset(at).cast(),
    };
    _mm_prefetch::<_MM_HINT_T0>(place);
}

/// Sixteen neighbours from `first` on. Those that the mask leaves out are zeros and need not be there.
///
/// # Safety
/// The others are in the row.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(in crate::conv3d) unsafe fn load(mask: u16, row: Values<'_>, first: isize) -> __m512 {
    // SAFETY: the caller's promise.
    unsafe {
        match row {
            Values::F32(row) => _mm512_maskz_loadu_ps(mask, row.as_ptr().wrapping_offset(first)),
            Values::Bf16(row) => {
                let values = _mm256_maskz_loadu_epi16(mask, row.as_ptr().wrapping_offset(first).cast());
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(values)))
            }
        }
    }
}
