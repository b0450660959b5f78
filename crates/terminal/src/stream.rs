//! The standard stream that leads to the terminal.

use std::io::{self, IsTerminal, Write};

use crate::Grid;
#[cfg(unix)]
use crate::grid;

/// Where pictures are drawn. The standard error where the standard output takes the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

impl Stream {
    /// Whether it leads to a terminal.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        }
    }

    /// The size of its terminal now; [`Grid::default`] where that does not say.
    pub fn grid(self) -> Grid {
        #[cfg(unix)]
        let grid = match self {
            Self::Stdout => grid::of(io::stdout()),
            Self::Stderr => grid::of(io::stderr()),
        };
        #[cfg(not(unix))]
        let grid = None;
        grid.unwrap_or_default()
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout => io::stdout().write(bytes),
            Self::Stderr => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout => io::stdout().flush(),
            Self::Stderr => io::stderr().flush(),
        }
    }
}
