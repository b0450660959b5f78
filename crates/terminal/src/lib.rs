//! Pictures in terminals, one over the other as they come, and the keys that are pressed meanwhile.
//!
//! ```text
//! Protocol   how this terminal shows pictures: kitty, iTerm2, sixel, half blocks, or not at all
//! Picture ── scaled to the Grid of cells ── in the words of the Protocol ──> Screen, in place
//! Keys       raw mode, and one Key at a time; what a terminal says of itself is not taken for keys
//! ```
//!
//! Every encoder gives bytes and knows no terminal. Only `stream.rs`, `ask.rs`, `keys.rs` and what they stand on speak to one.
//!
//! ```
//! # fn main() -> terminal::Result<()> {
//! use terminal::{Colours, Grid, Picture, Protocol, Screen};
//!
//! // For a terminal: Screen::of(stream, Protocol::detect(stream)) with Stream::Stdout.
//! let mut screen = Screen::new(Vec::new(), Protocol::HalfBlocks, Colours::True, Grid::default());
//! for level in [0, 128, 255] {
//!     let rgb = vec![level; 16 * 16 * 3];
//!     screen.draw(&Picture::new(16, 16, &rgb)?).unwrap(); // each over the last
//! }
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod ask;
mod blocks;
mod colours;
mod dither;
mod error;
mod fit;
mod grid;
mod iterm2;
mod key;
mod keys;
mod kitty;
mod picture;
mod protocol;
mod raw;
mod scale;
mod screen;
mod sixel;
mod stream;

pub use colours::Colours;
pub use error::{Error, Result};
pub use grid::Grid;
pub use key::Key;
pub use keys::Keys;
pub use picture::{Picture, filmstrip};
pub use protocol::Protocol;
pub use screen::{RESTORE, Screen};
pub use stream::Stream;
