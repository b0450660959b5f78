//! The zero-padded bf16 forms of a convolution's operands.

use crate::threads::prelude::*;

use crate::lanes::widest;

/// Outputs of a row that one vector holds.
pub(super) const TILE: usize = 16;

/// Where a padded volume keeps its values.
///
/// A row is cut into `stride` phases, so that outputs which are neighbours read neighbours even
/// where the convolution strides: column `w` lies in phase `w % stride` at `w / stride`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Volume {
    /// Size of the source.
    pub size: [usize; 3],
    /// Zeros in front of the source.
    pub front: [usize; 3],
    /// Distance of the source's values in the volume: more than 1 spreads a gradient.
    pub spread: [usize; 3],
    /// Frames and rows of the padded volume.
    pub frames: usize,
    pub rows: usize,
    /// Phases of a row and their length.
    pub phases: usize,
    pub phase_len: usize,
}

impl Volume {
    /// The volume that `output` positions of a convolution read.
    pub fn new(
        size: [usize; 3],
        front: [usize; 3],
        spread: [usize; 3],
        kernel: [usize; 3],
        stride: [usize; 3],
        output: [usize; 3],
    ) -> Self {
        let reach = |axis: usize| {
            let last = (size[axis] - 1) * spread[axis] + 1 + front[axis];
            ((output[axis] - 1) * stride[axis] + kernel[axis]).max(last)
        };
        // Whole tiles are read, beyond the last output of a row too.
        let tiles = output[2].div_ceil(TILE) * TILE;
        let phase_len = (tiles + (kernel[2] - 1) / stride[2]).max(reach(2).div_ceil(stride[2]));
        Self {
            size,
            front,
            spread,
            frames: reach(0),
            rows: reach(1),
            phases: stride[2],
            phase_len: phase_len.next_multiple_of(2),
        }
    }

    pub fn row_len(&self) -> usize {
        self.phases * self.phase_len
    }

    pub fn len(&self) -> usize {
        self.frames * self.rows * self.row_len()
    }

    /// Where tap `[frames, height, width]` of output 0 lies.
    pub fn tap(&self, [t, h, w]: [usize; 3]) -> usize {
        (t * self.rows + h) * self.row_len() + (w % self.phases) * self.phase_len + w / self.phases
    }

    /// Calls `row(source offset, volume offset)` for every row of the source.
    fn for_each_row(&self, mut row: impl FnMut(usize, usize)) {
        let [frames, height, width] = self.size;
        for t in 0..frames {
            for h in 0..height {
                let (to_t, to_h) = (self.front[0] + t * self.spread[0], self.front[1] + h * self.spread[1]);
                row((t * height + h) * width, (to_t * self.rows + to_h) * self.row_len());
            }
        }
    }

    /// Where column `w` of the source lies in its row.
    #[inline(always)]
    fn column(&self, w: usize) -> usize {
        let w = self.front[2] + w * self.spread[2];
        (w % self.phases) * self.phase_len + w / self.phases
    }

    fn is_plain(&self) -> bool {
        self.phases == 1 && self.spread[2] == 1
    }

    /// `[channels, source]` to `[channels / 2, volume]`: pairs of channels.
    pub fn pack_channel_pairs(&self, x: &[f32], channels: usize, packed: &mut [u32]) {
        let source: usize = self.size.iter().product();
        packed.par_chunks_mut(self.len()).enumerate().for_each(|(index, packed)| {
            let pairs = channels.div_ceil(2);
            let (sample, pair) = (index / pairs, index % pairs);
            let first = &x[(sample * channels + 2 * pair) * source..][..source];
            let second = (2 * pair + 1 < channels)
                .then(|| &x[(sample * channels + 2 * pair + 1) * source..][..source]);
            let volume = *self;
            widest!(pair_rows(volume: Volume, first: &[f32], second: Option<&[f32]>, packed: &mut [u32]));
        });
    }

    /// `[channels, source]` to `[channels, volume]`: plain bf16.
    pub fn pack_plain(&self, x: &[f32], packed: &mut [u16]) {
        let source: usize = self.size.iter().product();
        packed.par_chunks_mut(self.len()).zip(x.par_chunks(source)).for_each(|(packed, x)| {
            let volume = *self;
            widest!(plain_rows(volume: Volume, x: &[f32], packed: &mut [u16]));
        });
    }
}

#[inline(always)]
fn pair_rows(volume: Volume, first: &[f32], second: Option<&[f32]>, packed: &mut [u32]) {
    let width = volume.size[2];
    volume.for_each_row(|from, to| {
        let first = &first[from..from + width];
        let row = &mut packed[to..to + volume.row_len()];
        match second.map(|second| &second[from..from + width]) {
            Some(second) if volume.is_plain() => {
                let row = &mut row[volume.front[2]..][..width];
                for ((to, &a), &b) in row.iter_mut().zip(first).zip(second) {
                    *to = bf16(a) | bf16(b) << 16;
                }
            }
            second => {
                for (w, &a) in first.iter().enumerate() {
                    row[volume.column(w)] = bf16(a) | second.map_or(0, |second| bf16(second[w]) << 16);
                }
            }
        }
    });
}

#[inline(always)]
fn plain_rows(volume: Volume, x: &[f32], packed: &mut [u16]) {
    let width = volume.size[2];
    volume.for_each_row(|from, to| {
        let x = &x[from..from + width];
        let row = &mut packed[to..to + volume.row_len()];
        if volume.is_plain() {
            for (to, &x) in row[volume.front[2]..][..width].iter_mut().zip(x) {
                *to = bf16(x) as u16;
            }
        } else {
            for (w, &x) in x.iter().enumerate() {
                row[volume.column(w)] = bf16(x) as u16;
            }
        }
    });
}

/// The bits of the nearest bf16, ties to even.
#[inline(always)]
pub(super) fn bf16(x: f32) -> u32 {
    let bits = x.to_bits();
    if x.is_nan() {
        return (bits >> 16) | 0x40; // rounding could carry a NaN into an ordinary number
    }
    bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16
}

/// Weights as `[rows][columns / 2][taps]` pairs of neighbouring columns; `at(row, column, tap)`
/// says where a weight lies.
pub(super) fn pack_weights(
    weight: &[f32],
    rows: usize,
    columns: usize,
    taps: usize,
    at: impl Fn(usize, usize, usize) -> usize,
) -> Vec<u32> {
    let mut packed = Vec::with_capacity(rows * columns.div_ceil(2) * taps);
    for row in 0..rows {
        for column in (0..columns).step_by(2) {
            for tap in 0..taps {
                let first = bf16(weight[at(row, column, tap)]);
                let second = if column + 1 < columns { bf16(weight[at(row, column + 1, tap)]) } else { 0 };
                packed.push(first | second << 16);
            }
        }
    }
    packed
}
