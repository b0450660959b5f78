//! Convolutions of 3 by 3 pixels with 16 products where the definition has 36 (Lavin and Gray 2016,
//! Winograd's minimal filtering F(2×2, 3×3)).
//!
//! ```text
//! V = Bᵀ d B      a square of 4 x 4 inputs d, whose neighbours are 2 apart
//! U = G g Gᵀ      the 3 x 3 weights g, made when they are packed
//! y = Aᵀ (Σ U ∘ V) A      2 x 2 outputs; the sum is over channels and frame taps
//! ```
//!
//! At each of the 16 positions of a square the sum is a matrix product, which runs on the micro-kernel
//! of `product.rs`: a position's squares are its columns. U and V are rounded to bf16, sums are
//! f32.
//!
//! Where every input stands for a square of four (see [`Conv3d::doubled`](super::Conv3d)), `d` has two rows and two
//! columns that are alike, and `V` is zero in its third row and its third column: 9 products are left.
//!
//! The picture is cut into strips of rows of squares, so that what is held of a strip's frames fits the
//! third-level cache; a strip is cut into blocks of squares, which with some output channels are a task.

#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod scalar;
mod strip;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::{
    frames::Frames,
    job::{FrameTap, GROUPS, Group, Job, Tile},
    plane::{Geometry, TILE},
    quantize::Scale,
    weights::{self, Filter, Format, Weights},
    windows::windows,
};
use crate::{
    isa::{Isa, Level},
    matmul::scalar::round_bf16,
    shared::{Shared, with_buffers},
    threads::{self, prelude::*},
};
use strip::{GAP, POSITIONS, SQUARES, Strip, UNIT};

/// Output channels of a task, whose sums at all positions wait in the second-level cache.
const OUTPUTS: usize = 48;
/// Words that [`limit`] allows each thread.
const WORDS: usize = 1 << 20;
/// Fewest channels on either side with which the transforms pay.
const LEAST_CHANNELS: usize = 16;

/// The sums of a position at which all inputs are zero.
static NO_SUMS: [f32; SQUARES] = [0.0; SQUARES];

/// Whether weights of this kernel and stride are better transformed, on this machine. Tiles of AMX are faster by taps: three to eight
/// times on a Sapphire Rapids.
pub(super) fn suits(isa: Level, filter: Filter, stride: [usize; 3]) -> bool {
    matches!(isa.isa(), Isa::Avx512 | Isa::Avx512Bf16)
        && filter.kernel[1..] == [3, 3]
        && stride[1..] == [1, 1]
        && filter.outputs.min(filter.inputs) >= LEAST_CHANNELS
}

/// The parts of the output channels that make a task.
fn parts(outputs: usize) -> impl Iterator<Item = Range<usize>> {
    let count = outputs.div_ceil(OUTPUTS);
    (0..count).map(move |part| part * outputs / count..(part + 1) * outputs / count)
}

/// The weights of some output channels at a position: one for each frame tap.
fn at_a_position(filter: Filter, outputs: usize) -> Filter {
    Filter { outputs, inputs: filter.inputs, kernel: [filter.kernel[0], 1, 1] }
}

/// Words of packed weights.
pub(super) fn words_len(filter: Filter) -> usize {
    POSITIONS * weights::words_len(Format::Bf16, at_a_position(filter, filter.outputs))
}

/// Transforms and packs `weight`, `[outputs, inputs, frame taps, 3, 3]`, to `[parts of the outputs]
/// [positions]` of [`Weights`].
pub(super) fn pack(weight: &[f32], filter: Filter, words: &mut [u32]) {
    let Filter { outputs, inputs, kernel: [frame_taps, ..] } = filter;
    assert_eq!(words.len(), words_len(filter));
    let per_output = words.len() / outputs / POSITIONS;
    let mut transformed = vec![0.0; outputs.min(OUTPUTS) * inputs * frame_taps * POSITIONS];
    for part in parts(outputs) {
        let kernels = inputs * frame_taps; // of an output
        let of_outputs = weight[part.start * kernels * 9..].par_chunks(kernels * 9);
        of_outputs.zip(transformed.par_chunks_mut(kernels * POSITIONS)).for_each(|(kernels, transformed)| {
            for (to, kernel) in transformed.chunks_exact_mut(POSITIONS).zip(kernels.chunks_exact(9)) {
                to.copy_from_slice(scalar::weights(kernel.try_into().expect("nine taps")).as_flattened());
            }
        });
        let words = &mut words[part.start * POSITIONS * per_output..part.end * POSITIONS * per_output];
        for (position, words) in words.chunks_exact_mut(part.len() * per_output).enumerate() {
            let at = |row: usize, column: usize, tap: usize| {
                round_bf16(transformed[((row * inputs + column) * frame_taps + tap) * POSITIONS + position])
            };
            weights::pack(Format::Bf16, at_a_position(filter, part.len()), at, words);
        }
    }
}

/// Transformed weights, as pairs of bf16.
#[derive(Clone, Copy)]
pub(super) struct Transformed<'a> {
    pub isa: Level,
    pub filter: Filter,
    pub words: &'a [u32],
}

impl<'a> Transformed<'a> {
    /// The weights of some output channels at a position.
    fn at(&self, part: &Range<usize>, position: usize) -> Weights<'a> {
        let per_output = self.words.len() / self.filter.outputs / POSITIONS;
        let start = (part.start * POSITIONS + position * part.len()) * per_output;
        Weights {
            isa: self.isa,
            format: Format::Bf16,
            filter: at_a_position(self.filter, part.len()),
            words: &self.words[start..start + part.len() * per_output],
            scales: &[],
            sums: &[],
        }
    }
}

/// Words of transformed frames that are held at once, unless a row of squares needs more.
pub(super) fn limit() -> usize {
    WORDS * threads::available().clamp(2, 16)
}

/// `y = x * weights + bias` over `[batch, channels, frames, height, width]`, holding `limit` words of transformed
/// frames at once; writes all of `y`, and reads none.
pub(super) fn run(
    limit: usize,
    geometry: &Geometry,
    batch: usize,
    x: Frames<'_>,
    weights: Transformed<'_>,
    bias: Option<&[f32]>,
    y: Shared<'_, f32>,
) {
    let [_, height, width] = geometry.output;
    if y.len() == 0 || batch == 0 {
        return;
    }
    assert!(
        geometry.kernel[1..] == [3, 3] && geometry.stride[1..] == [1, 1] && geometry.spread[1..] == [1, 1]
    );
    assert!(geometry.repeat == [1; 3] || geometry.repeat == [1, 2, 2] && geometry.front[1..] == [1, 1]);
    let (rows, columns) = (height.div_ceil(2), width.div_ceil(2));
    let groups = weights.filter.inputs.div_ceil(2);
    let frames = geometry.size[0].min(weights.filter.kernel[0] + 1);
    let at_once = (limit / (frames * POSITIONS * groups * columns)).clamp(1, rows);
    let strips = rows.div_ceil(at_once);
    for strip in 0..strips {
        let rows = strip * rows / strips..(strip + 1) * rows / strips;
        let strip = Strip { geometry, rows, columns, groups };
        let pass = Pass { strip: &strip, weights, bias, limit };
        let len = y.len() / batch;
        for sample in 0..batch {
            pass.run(sample, x, y.part(sample * len, len));
        }
    }
}

/// A strip of one sample.
struct Pass<'a> {
    strip: &'a Strip<'a>,
    weights: Transformed<'a>,
    bias: Option<&'a [f32]>,
    limit: usize,
}

impl Pass<'_> {
    fn run(&self, sample: usize, x: Frames<'_>, y: Shared<'_, f32>) {
        let (geometry, frame) = (self.strip.geometry, self.strip.frame_len());
        let windows = windows(geometry, self.limit / frame);
        let slots = windows.iter().map(|window| window.to - window.from).max().unwrap_or(0).max(1);
        let parts: Vec<Range<usize>> = parts(self.weights.filter.outputs).collect();
        with_buffers(|[volume]| {
            let volume = volume.words(slots * frame);
            let mut packed = 0;
            for window in &windows {
                self.transform(sample, x, packed.max(window.from)..window.to, slots, volume);
                packed = packed.max(window.to);
                let frames = window.end - window.first;
                let blocks = self.strip.blocks();
                threads::for_each(frames * blocks * parts.len(), |task| {
                    let (part, task) = (&parts[task % parts.len()], task / parts.len());
                    let (block, t) = (task % blocks, window.first + task / blocks);
                    self.task(volume, slots, t, block, part, &y);
                });
            }
        });
    }

    /// Transforms input frames into their slots.
    fn transform(
        &self,
        sample: usize,
        x: Frames<'_>,
        frames: Range<usize>,
        slots: usize,
        volume: &mut [u32],
    ) {
        let (strip, inputs) = (self.strip, self.weights.filter.inputs);
        let frame = strip.frame_len();
        let units = strip.squares().div_ceil(UNIT);
        let volume = Shared::new(volume);
        threads::for_each(frames.len() * units, |task| {
            let (unit, t) = (task % units, frames.start + task / units);
            let channels = (sample * inputs..(sample + 1) * inputs).map(|channel| x.at(channel, t));
            // SAFETY: every task writes a unit of its own.
            let to = unsafe {
                volume.range(t % slots * frame + strip.at(unit, 0), POSITIONS * strip.position_len())
            };
            match self.weights.isa {
                // SAFETY: the level proves the instruction set.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512(_) => unsafe { avx512::transform::<false>(strip, unit, channels, to) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512Bf16(_) | Level::Amx(..) => unsafe {
                    avx512::transform::<true>(strip, unit, channels, to)
                },
                isa => unreachable!("{} channels to {} words on {isa:?}", channels.count(), to.len()),
            }
        });
    }

    /// A block of squares of an output frame, and some output channels.
    fn task(
        &self,
        volume: &[u32],
        slots: usize,
        t: usize,
        block: usize,
        part: &Range<usize>,
        y: &Shared<'_, f32>,
    ) {
        let (strip, geometry) = (self.strip, self.strip.geometry);
        let frame = strip.frame_len();
        let squares = block * SQUARES..strip.squares().min((block + 1) * SQUARES);
        let tile = |unit: usize, j: usize| {
            let at = unit * UNIT + j * TILE;
            let used = j < UNIT / TILE && at < squares.len();
            let from = strip.at(unit, 0) + j * TILE;
            if used { Tile { from, to: at, width: TILE } } else { Tile::default() }
        };
        const { assert!(SQUARES <= GROUPS * UNIT && SQUARES.is_multiple_of(UNIT)) };
        let tiles: [Group; GROUPS] = std::array::from_fn(|group| std::array::from_fn(|j| tile(group, j)));
        let offsets: Vec<usize> = (0..strip.groups).map(|group| group * UNIT).collect();
        with_buffers(|[sums]| {
            let position_len = part.len() * SQUARES + GAP;
            let sums = sums.floats(POSITIONS * position_len);
            let shared = Shared::new(sums);
            for position in (0..POSITIONS).filter(|&position| strip.has(position)) {
                let tap = |tap| {
                    let slot = geometry.frame(t, tap)? % slots;
                    let start = slot * frame + strip.at(squares.start / UNIT, position);
                    Some(FrameTap { tap, start, scale: Scale::ONE })
                };
                let frame_taps: Vec<FrameTap> = (0..self.weights.filter.kernel[0]).filter_map(tap).collect();
                let weights = self.weights.at(part, position);
                let job = Job {
                    volume,
                    frame_taps: &frame_taps,
                    offsets: &offsets,
                    word_len: UNIT,
                    reach: offsets[strip.groups - 1] + TILE,
                    weights,
                    bias: None,
                    y: shared,
                    start: position * position_len,
                    positions: SQUARES,
                };
                job.run(0..weights.format.blocks(part.len()), &tiles);
            }
            let [frames, height, width] = geometry.output;
            for (index, output) in part.clone().enumerate() {
                let sums = |position: usize| match strip.has(position) {
                    true => &sums[position * position_len + index * SQUARES..][..SQUARES],
                    false => &NO_SUMS,
                };
                // SAFETY: the task's own frame of its own channel; of its rows, those of its squares.
                let y = y.at((output * frames + t) * height * width);
                let bias = self.bias.map_or(0.0, |bias| bias[output]);
                match self.weights.isa {
                    // SAFETY: as above, and the level proves the instruction set.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512(_) | Level::Avx512Bf16(_) | Level::Amx(..) => unsafe {
                        avx512::outputs(strip, squares.clone(), std::array::from_fn(sums), bias, y);
                    },
                    isa => unreachable!("{} sums and {bias} to {y:?} on {isa:?}", sums(0).len()),
                }
            }
        });
    }
}
