//! The padded form of a convolution's input, frame by frame and channel by channel.
//!
//! A row is cut into as many phases as the convolution strides, so that outputs which are
//! neighbours read neighbours: padded column `w` lies in phase `w % stride` at `w / stride`.

/// Outputs of a row that are computed side by side.
pub(super) const TILE: usize = 16;

/// A convolution that reads a source padded in front, with its values `spread` apart (more than 1
/// where a gradient meets the stride) and each `repeat`ed; triples are `[frames, height, width]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub size: [usize; 3],
    pub front: [usize; 3],
    pub spread: [usize; 3],
    pub repeat: [usize; 3],
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub output: [usize; 3],
}

impl Geometry {
    /// The source index at a padded index of an axis, unless zeros are there.
    pub fn source(&self, axis: usize, padded: usize) -> Option<usize> {
        let inside = padded.checked_sub(self.front[axis])?;
        let index = inside / self.spread[axis] / self.repeat[axis];
        (inside % self.spread[axis] == 0 && index < self.size[axis]).then_some(index)
    }

    /// The source frame that a tap of an output frame meets.
    pub fn frame(&self, output: usize, tap: usize) -> Option<usize> {
        self.source(0, output * self.stride[0] + tap)
    }

    /// Values of a source frame.
    pub fn frame_len(&self) -> usize {
        self.size[1] * self.size[2]
    }
}

/// Where sixteen neighbours of a padded row come from; places that the mask leaves out are zeros.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// Where the chunk begins in the padded row, and how much of it is there.
    pub at: usize,
    pub len: usize,
    pub mask: u16,
    pub read: Read,
}

/// How a chunk reads its source row.
#[derive(Clone, Debug)]
pub(super) enum Read {
    /// Place `i` has column `first + i`.
    Neighbours { first: isize },
    /// Place `i` has column `first + 2 i`; the mask is of the columns from `first` on.
    EveryOther { first: isize, mask: u32 },
    /// Place `i` has column `first + (i + odd) / 2`; the mask is of the columns from `first` on.
    Twice { first: isize, odd: usize, mask: u16 },
    /// Each place has its own column.
    Scattered(Box<[i32; TILE]>),
}

/// One frame of one channel: the rows that a convolution reads.
#[derive(Debug)]
pub(super) struct Plane {
    /// The source row of each row, unless it is padding.
    pub rows: Vec<Option<usize>>,
    pub chunks: Vec<Chunk>,
    /// Columns of the source.
    pub width: usize,
    phases: usize,
    phase_len: usize,
}

impl Plane {
    pub fn new(geometry: &Geometry) -> Self {
        let Geometry { kernel, stride, output, .. } = *geometry;
        let rows = (0..(output[1] - 1) * stride[1] + kernel[1]).map(|row| geometry.source(1, row)).collect();
        // Whole tiles are read, beyond the last output of a row too.
        let tiles = output[2].next_multiple_of(TILE);
        let phase_len = (tiles + (kernel[2] - 1) / stride[2]).next_multiple_of(4);
        let chunks = (0..stride[2])
            .flat_map(|phase| {
                (0..phase_len).step_by(TILE).map(move |start| {
                    let len = TILE.min(phase_len - start);
                    let columns = std::array::from_fn(|i| {
                        let padded = (start + i) * stride[2] + phase;
                        (i < len).then(|| geometry.source(2, padded)).flatten()
                    });
                    Chunk::new(phase * phase_len + start, len, columns)
                })
            })
            .collect();
        Self { rows, chunks, width: geometry.size[2], phases: stride[2], phase_len }
    }

    pub fn row_len(&self) -> usize {
        self.phases * self.phase_len
    }

    pub fn len(&self) -> usize {
        self.rows.len() * self.row_len()
    }

    /// Where column tap `w` of output 0 lies in its row.
    pub fn column_tap(&self, w: usize) -> usize {
        (w % self.phases) * self.phase_len + w / self.phases
    }
}

impl Read {
    fn twice(first: isize, odd: usize, columns: &[Option<usize>; TILE]) -> Self {
        let places = (0..TILE).filter(|&i| columns[i].is_some());
        Self::Twice { first, odd, mask: places.fold(0, |mask, i| mask | 1 << ((i + odd) / 2)) }
    }
}

impl Chunk {
    fn new(at: usize, len: usize, columns: [Option<usize>; TILE]) -> Self {
        let mask = columns.iter().enumerate().map(|(i, column)| u16::from(column.is_some()) << i).sum();
        // Where place 0 is, if place `i` is `offset(i)` columns behind it.
        let first_of = |offset: &dyn Fn(usize) -> usize| {
            let firsts: Vec<isize> = columns
                .iter()
                .enumerate()
                .filter_map(|(i, column)| Some((*column)?.cast_signed() - offset(i).cast_signed()))
                .collect();
            let first = firsts.first().copied().unwrap_or(0);
            firsts.iter().all(|other| *other == first).then_some(first)
        };
        let (neighbours, every_other) = (first_of(&|i| i), first_of(&|i| 2 * i));
        let twice = [0, 1].map(|odd| first_of(&|i| (i + odd) / 2));
        let read = match (neighbours, every_other, twice) {
            (Some(first), ..) => Read::Neighbours { first },
            (_, Some(first), _) => {
                let bit = |i: usize| u32::from(columns[i].is_some()) << (2 * i);
                Read::EveryOther { first, mask: (0..TILE).map(bit).sum() }
            }
            (.., [Some(first), _]) => Read::twice(first, 0, &columns),
            (.., [_, Some(first)]) => Read::twice(first, 1, &columns),
            _ => {
                let column = |column: Option<usize>| i32::try_from(column.unwrap_or(0));
                Read::Scattered(Box::new(columns.map(|c| column(c).expect("a row has less than 2³¹ values"))))
            }
        };
        Self { at, len, mask, read }
    }

    /// The source column of place `i`.
    pub fn column(&self, i: usize) -> Option<usize> {
        let column = match &self.read {
            Read::Neighbours { first } => first + i.cast_signed(),
            Read::EveryOther { first, .. } => first + 2 * i.cast_signed(),
            Read::Twice { first, odd, .. } => first + ((i + odd) / 2).cast_signed(),
            Read::Scattered(columns) => columns[i] as isize,
        };
        (self.mask >> i & 1 == 1).then_some(column.cast_unsigned())
    }
}
