//! Systems whose terminals are not read: none gives keys.

use std::{io, time::Duration};

use crate::{Error, Result};

/// There is none.
pub(crate) struct Raw;

impl Raw {
    pub fn of_stdin() -> Result<Self> {
        Err(Error::NotATerminal)
    }

    pub fn read(&self, _: &mut Vec<u8>, _: Duration) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
