//! Products of tiles on AMX.
//!
//! A tile is a register of up to 16 rows of 64 bytes, and one instruction multiplies two of them: 16 rows by 16 words of the depth by 16 columns.
//! A word holds two bf16, or four bytes. The packed operands of matrix products on AVX-512, and packed frames of convolutions, lie in memory as tiles are read.

use std::arch::asm;

/// Rows of a tile; also the words of its rows, and the columns of a tile on the right side.
pub(crate) const SIDE: usize = 16;
/// Tiles of sums side by side.
pub(crate) const MOST_TILES: usize = 4;
/// Bytes of a tile's row.
const ROW: usize = 64;

/// A product, its strides in words.
#[derive(Clone, Copy)]
pub(crate) struct Product {
    /// At most [`SIDE`].
    pub rows: usize,
    /// The depth.
    pub words: usize,
    /// `[rows][words]`
    pub left: (*const u32, usize),
    /// `[words][columns]`
    pub right: (*const u32, usize),
    /// What sums start from, `[rows][columns]`; the same for each row if the stride is 0.
    pub from: (*const u32, usize),
    /// `[rows][columns]`
    pub to: (*mut u32, usize),
}

/// A product whose tiles lie anywhere: of one or two tiles of rows, one below the other, by one or two of columns.
#[derive(Clone, Copy)]
pub(crate) struct Scattered<'a> {
    /// For each step of the depth, how many bytes behind the beginnings of both sides its tiles lie.
    pub steps: &'a [[usize; 2]],
    /// Of each tile of rows, at most [`SIDE`]; 0 for a second one that is not there.
    pub rows: [usize; 2],
    /// The depth of a step, at most [`SIDE`].
    pub words: usize,
    /// `[rows][words]`, and the bytes from a row to the next.
    pub left: (*const u8, usize),
    /// `[words][columns]`, and the bytes from a word to the next.
    pub right: (*const u8, usize),
    /// How many bytes behind the first tile of columns the second one lies, if there is one.
    pub beside: Option<isize>,
}

/// Sums of [`Scattered`], `[rows][columns]`: upper left, upper right, lower left, lower right.
#[repr(C, align(64))]
pub(crate) struct Sums(pub [[[f32; SIDE]; SIDE]; 4]);

impl Sums {
    pub(crate) const ZEROS: Self = Self([[[0.0; SIDE]; SIDE]; 4]);

    /// A row of a tile of columns, counted through both tiles of `rows`.
    pub(crate) fn row(&self, rows: [usize; 2], row: usize, tile: usize) -> &[f32; SIDE] {
        match row.checked_sub(rows[0]) {
            None => &self.0[tile][row],
            Some(row) => &self.0[2 + tile][row],
        }
    }
}

/// So many rows, up to two tiles of them, as even as possible.
pub(crate) fn in_two_tiles(rows: usize) -> [usize; 2] {
    let upper = if rows > SIDE { rows.div_ceil(2) } else { rows };
    [upper, rows - upper]
}

/// The shapes of the tiles (Intel's Software Developer's Manual, `LDTILECFG`).
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Shapes {
    const NONE: Self =
        Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };

    /// 0 to 3: sums of so many rows; 4 and 5: of both sides; 6 and 7: of the rest of the depth.
    fn new(rows: usize, rest: usize) -> Self {
        let mut shapes = Self::NONE;
        let mut set = |tile: usize, rows: usize, words: usize| {
            if rows > 0 && words > 0 {
                (shapes.rows[tile], shapes.row_bytes[tile]) = (rows as u8, 4 * words as u16);
            }
        };
        (0..MOST_TILES).for_each(|tile| set(tile, rows, SIDE));
        set(4, rows, SIDE);
        set(5, SIDE, SIDE);
        set(6, rows, rest);
        set(7, rest, SIDE);
        shapes
    }

    /// 0 and 1: upper sums; 2 and 3: lower ones; 4 and 5: of the left side; 6 and 7: of the right one.
    fn of_scattered([upper, lower]: [usize; 2], words: usize) -> Self {
        let mut shapes = Self::NONE;
        let sides = [upper, upper, lower, lower].map(|rows| (rows, SIDE));
        let sides = sides.into_iter().chain([(upper, words), (lower, words), (words, SIDE), (words, SIDE)]);
        for (tile, (rows, words)) in sides.enumerate().filter(|(_, (rows, _))| *rows > 0) {
            (shapes.rows[tile], shapes.row_bytes[tile]) = (rows as u8, 4 * words as u16);
        }
        shapes
    }
}

/// The products of a tile of the left side by those of the right one, added to the tiles of sums.
macro_rules! step {
    ($product:literal, $left:literal, $right:literal, $(($sums:literal, $at:literal)),+) => {
        concat!(
            "tileloadd ", $left, ", [{a} + {a_stride}*1]\n",
            $(
                "tileloadd ", $right, ", [{b} + {b_stride}*1 + ", $at, "]\n",
                $product, " ", $sums, ", ", $left, ", ", $right, "\n",
            )+
        )
    };
}

/// A whole product into so many tiles of sums.
macro_rules! product {
    ($product:literal, $of:expr, $(($sums:literal, $at:literal)),+) => {{
        let Product { rows, words, left, right, from, to } = $of;
        let shapes = Shapes::new(rows, words % SIDE);
        asm!(
            "ldtilecfg [{shapes}]",
            $(concat!("tileloadd ", $sums, ", [{from} + {from_stride}*1 + ", $at, "]"),)+
            "test {whole}, {whole}",
            "jz 3f",
            "2:",
            step!($product, "tmm4", "tmm5", $(($sums, $at)),+),
            "add {a}, 64",
            "add {b}, {b_step}",
            "dec {whole}",
            "jnz 2b",
            "3:",
            "test {rest}, {rest}",
            "jz 4f",
            step!($product, "tmm6", "tmm7", $(($sums, $at)),+),
            "4:",
            $(concat!("tilestored [{to} + {to_stride}*1 + ", $at, "], ", $sums),)+
            "tilerelease",
            shapes = in(reg) &raw const shapes,
            from = in(reg) from.0,
            from_stride = in(reg) 4 * from.1,
            a = inout(reg) left.0 => _,
            a_stride = in(reg) 4 * left.1,
            b = inout(reg) right.0 => _,
            b_stride = in(reg) 4 * right.1,
            b_step = in(reg) ROW * right.1,
            whole = inout(reg) words / SIDE => _,
            rest = in(reg) words % SIDE,
            to = in(reg) to.0,
            to_stride = in(reg) 4 * to.1,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }};
}

/// All tiles of columns of a product, of pairs of bf16 or of quadruples of unsigned by signed bytes. Of the pairs in a tile the even and the
/// odd ones are summed apart, and then both added.
///
/// # Safety
/// The machine has AMX BF16 and INT8, and this process may use them. Both sides and both sums reach over so many rows, words and tiles of columns, one
/// to four, by their strides.
pub(crate) unsafe fn multiply<const INT8: bool>(of: Product, tiles: usize) {
    // SAFETY: tiles reach over so many rows, words and columns as their shapes say, by the caller's promise. They are
    // this thread's own, and are released at the end.
    unsafe {
        match (INT8, tiles) {
            (false, 1) => product!("tdpbf16ps", of, ("tmm0", "0")),
            (false, 2) => product!("tdpbf16ps", of, ("tmm0", "0"), ("tmm1", "64")),
            (false, 3) => product!("tdpbf16ps", of, ("tmm0", "0"), ("tmm1", "64"), ("tmm2", "128")),
            (false, _) => {
                product!("tdpbf16ps", of, ("tmm0", "0"), ("tmm1", "64"), ("tmm2", "128"), ("tmm3", "192"));
            }
            (true, 1) => product!("tdpbusd", of, ("tmm0", "0")),
            (true, 2) => product!("tdpbusd", of, ("tmm0", "0"), ("tmm1", "64")),
            (true, 3) => product!("tdpbusd", of, ("tmm0", "0"), ("tmm1", "64"), ("tmm2", "128")),
            (true, _) => {
                product!("tdpbusd", of, ("tmm0", "0"), ("tmm1", "64"), ("tmm2", "128"), ("tmm3", "192"));
            }
        }
    }
}

/// A product of scattered tiles: what each step does besides its first two tiles, and which sums there are.
macro_rules! scattered {
    ($of:expr, $to:expr, [$($more:literal),*], $(($sums:literal, $at:literal)),+) => {{
        let Scattered { steps, rows, words, left, right, beside } = $of;
        let shapes = Shapes::of_scattered(rows, words);
        asm!(
            "ldtilecfg [{a}]",
            $(concat!("tilezero ", $sums),)+
            "test {count}, {count}",
            "jz 3f",
            "2:",
            "mov {a}, [{steps}]",
            "mov {b}, [{steps} + 8]",
            "add {a}, {left}",
            "add {b}, {right}",
            "tileloadd tmm4, [{a} + {left_stride}*1]",
            "tileloadd tmm6, [{b} + {right_stride}*1]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "add {a}, {lower}",
            "add {b}, {beside}",
            $($more,)*
            "add {steps}, 16",
            "dec {count}",
            "jnz 2b",
            "3:",
            "mov {a}, 64",
            $(concat!("tilestored [{to} + {a}*1 + ", $at, "], ", $sums),)+
            "tilerelease",
            a = inout(reg) &raw const shapes => _,
            b = out(reg) _,
            steps = inout(reg) steps.as_ptr() => _,
            count = inout(reg) steps.len() => _,
            left = in(reg) left.0,
            left_stride = in(reg) left.1,
            lower = in(reg) rows[0] * left.1,
            right = in(reg) right.0,
            right_stride = in(reg) right.1,
            beside = in(reg) beside.unwrap_or(0),
            to = in(reg) $to,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }};
}

/// A product of pairs of bf16. Sums of what is not there stay as they were.
///
/// # Safety
/// The machine has AMX BF16, and this process may use it. Rows (but those of a second tile that is not there) and words are 1 to
/// [`SIDE`]; at each step both rows of the left side by the words, and these by one or two tiles of columns, are there.
pub(crate) unsafe fn multiply_scattered(of: Scattered<'_>, sums: &mut Sums) {
    let to = sums.0.as_mut_ptr();
    // SAFETY: as in `multiply`; the sums are four tiles.
    unsafe {
        match (of.rows[1] > 0, of.beside.is_some()) {
            (false, false) => scattered!(of, to, [], ("tmm0", "0")),
            (false, true) => scattered!(
                of,
                to,
                ["tileloadd tmm7, [{b} + {right_stride}*1]", "tdpbf16ps tmm1, tmm4, tmm7"],
                ("tmm0", "0"),
                ("tmm1", "1024")
            ),
            (true, false) => scattered!(
                of,
                to,
                ["tileloadd tmm5, [{a} + {left_stride}*1]", "tdpbf16ps tmm2, tmm5, tmm6"],
                ("tmm0", "0"),
                ("tmm2", "2048")
            ),
            (true, true) => scattered!(
                of,
                to,
                [
                    "tileloadd tmm5, [{a} + {left_stride}*1]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tileloadd tmm7, [{b} + {right_stride}*1]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tdpbf16ps tmm3, tmm5, tmm7"
                ],
                ("tmm0", "0"),
                ("tmm1", "1024"),
                ("tmm2", "2048"),
                ("tmm3", "3072")
            ),
        }
    }
}
