//! Pictures in one place of a terminal, each over the last.
//!
//! Between two pictures the cursor stands at the left of the line below, as after any line of text. So what else is
//! printed there, such as a bar of progress that takes itself away first, is no trouble.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    Colours, Grid, Picture, Protocol, Stream, blocks, fit::Room, iterm2, kitty, scale::scale, sixel::Sixels,
};

/// To the left of the next line.
pub(crate) const DOWN: &[u8] = b"\r\n";

/// Takes all colours away.
pub(crate) const RESET: &[u8] = b"\x1b[0m";

/// The terminal shows nothing of what follows (2026, where it knows that) and no cursor (25).
const BEGIN: &[u8] = b"\x1b[?2026h\x1b[?25l\r";

/// The terminal shows what came since [`BEGIN`].
const END: &[u8] = b"\x1b[?2026l";

/// Keep and take back the place of the cursor: pictures leave it at different ones.
const SAVE: &[u8] = b"\x1b7";
const BACK: &[u8] = b"\x1b8";

/// Lines that are longer than the terminal is wide (7) are cut, and not.
const CUT: &[u8] = b"\x1b[?7l";
const WRAP: &[u8] = b"\x1b[?7h";

const ERASE_LINE: &[u8] = b"\x1b[2K";
const ERASE_BELOW: &[u8] = b"\x1b[J";

/// The most pixels of a sixel picture: more take longer than a frame lasts.
const MAX_SIXELS: usize = 1 << 20;

/// What makes a terminal as it was, from anywhere in a picture: ends what was begun, takes the colours away, and
/// shows the cursor. [`Screen`] writes it when it goes; a program that ends without that writes it itself.
pub const RESTORE: &str = "\x1b\\\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h";

/// A place for pictures.
pub struct Screen<W: Write> {
    out: W,
    protocol: Protocol,
    colours: Colours,
    grid: Grid,
    /// Whose size is asked for before each picture, as windows change.
    follows: Option<Stream>,
    /// The most columns and rows that a picture may take.
    limit: (usize, usize),
    /// What is shown: the terminal's size and the picture's room at that time.
    shown: Option<(Grid, Room)>,
    /// The line below the picture.
    caption: String,
    is_touched: bool,
    /// kitty's name for the picture.
    id: u32,
    sixels: Sixels,
    buffer: Vec<u8>,
}

impl Screen<Stream> {
    /// In the terminal behind `stream`, with the colours that it says it has, and as large as it is at the time.
    pub fn of(stream: Stream, protocol: Protocol) -> Self {
        let mut screen = Self::new(stream, protocol, Colours::detect(), stream.grid());
        screen.follows = Some(stream);
        screen
    }
}

impl<W: Write> Screen<W> {
    /// In a terminal of `grid` that `out` leads to. [`Protocol::None`] shows and writes nothing.
    pub fn new(out: W, protocol: Protocol, colours: Colours, grid: Grid) -> Self {
        static SCREENS: AtomicU32 = AtomicU32::new(0);
        // Other programs of the same terminal, and the next screen of this one, have other pictures.
        let id = std::process::id() << 8 | (SCREENS.fetch_add(1, Ordering::Relaxed) + 1) & 0xff;
        Self {
            out,
            protocol,
            colours,
            grid,
            follows: None,
            limit: (usize::MAX, usize::MAX),
            shown: None,
            caption: String::new(),
            is_touched: false,
            id: id.max(1),
            sixels: Sixels::default(),
            buffer: Vec::new(),
        }
    }

    /// With pictures of at most so many columns and rows of cells, at least 1.
    #[must_use]
    pub fn within(mut self, columns: usize, rows: usize) -> Self {
        self.limit = (columns.max(1), rows.max(1));
        self
    }

    /// From the next picture on the terminal has this size. One that was made with [`Screen::of`] sees for itself.
    pub fn resize(&mut self, grid: Grid) {
        self.grid = grid;
    }

    /// Draws `picture` over the last one, as large as fits with its caption. It never scrolls, but for the first
    /// picture to make room.
    ///
    /// # Errors
    /// What the writer says.
    pub fn draw(&mut self, picture: &Picture<'_>) -> io::Result<()> {
        if self.protocol == Protocol::None {
            return Ok(());
        }
        if let Some(stream) = self.follows {
            self.grid = stream.grid();
        }
        let room = self.room(picture);
        let mut out = std::mem::take(&mut self.buffer);
        out.clear();
        out.extend(BEGIN);
        self.make_way(room, &mut out);
        out.extend(SAVE);
        self.encode(picture, room, &mut out);
        out.extend(BACK);
        move_by(room.rows, 'B', &mut out);
        out.push(b'\r');
        out.extend(END);
        self.shown = Some((self.grid, room));
        self.write(&out)?;
        self.buffer = out;
        Ok(())
    }

    /// Writes one line below the picture, in place of the last; what is wider than the terminal is cut. It stays when
    /// the screen goes.
    ///
    /// # Errors
    /// What the writer says.
    pub fn caption(&mut self, text: &str) -> io::Result<()> {
        if self.protocol == Protocol::None {
            return Ok(());
        }
        // A text from elsewhere must not move the cursor.
        self.caption = text.chars().filter(|letter| !letter.is_control()).collect();
        let mut out = BEGIN.to_vec();
        self.write_caption(&mut out);
        out.extend(END);
        self.write(&out)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.is_touched = true;
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    fn write_caption(&self, out: &mut Vec<u8>) {
        out.extend(ERASE_LINE);
        out.extend(CUT);
        out.extend(self.caption.as_bytes());
        out.extend(WRAP);
        out.push(b'\r');
    }

    /// Where `picture` fits, above one line for the caption.
    fn room(&self, picture: &Picture<'_>) -> Room {
        let columns = self.grid.columns.min(self.limit.0);
        let rows = (self.grid.rows - 1).clamp(1, self.limit.1);
        let fit = |columns, rows| Room::of(picture.width(), picture.height(), self.grid, columns, rows);
        let room = fit(columns, rows);
        let pixels = room.width * room.height;
        if self.protocol == Protocol::Sixel && pixels > MAX_SIXELS {
            let share = (MAX_SIXELS as f64 / pixels as f64).sqrt();
            let less = |cells: usize| ((cells as f64 * share) as usize).max(1);
            return fit(less(room.columns), less(room.rows));
        }
        room
    }

    /// Goes to where the picture begins. Where the last one had another room it is erased, and rows are made.
    fn make_way(&self, room: Room, out: &mut Vec<u8>) {
        let last_rows = self.shown.map_or(0, |(_, last)| last.rows);
        move_by(last_rows, 'A', out);
        if self.shown == Some((self.grid, room)) {
            return;
        }
        out.extend(ERASE_BELOW);
        for _ in 0..room.rows {
            out.extend(DOWN);
        }
        if !self.caption.is_empty() {
            self.write_caption(out);
        }
        move_by(room.rows, 'A', out);
    }

    fn encode(&mut self, picture: &Picture<'_>, room: Room, out: &mut Vec<u8>) {
        let Room { width, height, .. } = room;
        match self.protocol {
            Protocol::HalfBlocks => {
                let columns = (width + self.grid.cell_width / 2) / self.grid.cell_width;
                let halves = (height * 2 + self.grid.cell_height / 2) / self.grid.cell_height;
                let (columns, halves) = (columns.clamp(1, room.columns), halves.clamp(1, room.rows * 2));
                blocks::encode(&scale(picture, columns, halves), self.colours, out);
            }
            Protocol::Sixel => self.sixels.encode(&scale(picture, width, height), out),
            // These terminals enlarge by themselves, so no more pixels are sent than there are.
            Protocol::Kitty => kitty::encode(&shrunk(picture, room), room, self.id, out),
            Protocol::Iterm2 => iterm2::encode(&shrunk(picture, room), room, out),
            Protocol::None => {}
        }
    }
}

/// `picture` with no more pixels than `room` has.
fn shrunk<'a>(picture: &'a Picture<'_>, room: Room) -> Picture<'a> {
    scale(picture, picture.width().min(room.width), picture.height().min(room.height))
}

/// Moves the cursor by `rows` in a direction: `A` is up, `B` is down.
fn move_by(rows: usize, direction: char, out: &mut Vec<u8>) {
    // 0 would be taken for 1.
    if rows > 0 {
        // A `Vec` takes all.
        let _ = write!(out, "\x1b[{rows}{direction}");
    }
}

impl<W: Write> Drop for Screen<W> {
    /// Leaves the picture and its caption, and the cursor on a clean line below them.
    fn drop(&mut self) {
        if !self.is_touched {
            return;
        }
        let line = if self.caption.is_empty() { b"\r".as_slice() } else { DOWN };
        // There is no one to tell.
        let _ = self.out.write_all(RESTORE.as_bytes()).and_then(|()| self.out.write_all(line));
        let _ = self.out.flush();
    }
}

#[cfg(test)]
mod tests;
