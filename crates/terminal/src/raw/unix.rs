//! The same by termios.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::getpgrp,
    termios::{
        InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcgetpgrp,
        tcsetattr,
    },
};

use crate::{Error, Result};

/// The most bytes that are taken at once.
const MOST: usize = 256;

/// A terminal in raw mode. Lines that are written still begin at the left, as it is the keys alone that are raw: the
/// message of a panic looks as ever.
pub(crate) struct Raw {
    terminal: OwnedFd,
    before: Termios,
}

impl Raw {
    /// The terminal that is the standard input.
    pub fn of_stdin() -> Result<Self> {
        let stdin = io::stdin();
        if !isatty(&stdin) {
            return Err(Error::NotATerminal);
        }
        Self::of(stdin.as_fd().try_clone_to_owned()?)
    }

    pub fn of(terminal: OwnedFd) -> Result<Self> {
        // It is stopped if it changes the terminal.
        if tcgetpgrp(&terminal).is_ok_and(|foreground| foreground != getpgrp()) {
            return Err(Error::Background);
        }
        let before = tcgetattr(&terminal).map_err(io::Error::from)?;
        let mut raw = before.clone();
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        raw.input_modes -= InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR | InputModes::IXON;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Now, &raw).map_err(io::Error::from)?;
        Ok(Self { terminal, before })
    }

    /// Adds what has come to `bytes`, after at most `wait`. Whether anything has.
    pub fn read(&self, bytes: &mut Vec<u8>, wait: Duration) -> io::Result<bool> {
        if !self.is_ready(wait)? {
            return Ok(false);
        }
        let mut buffer = [0; MOST];
        match rustix::io::read(&self.terminal, &mut buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                bytes.extend(&buffer[..count]);
                Ok(true)
            }
            // Another thread was faster.
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn is_ready(&self, wait: Duration) -> io::Result<bool> {
        let start = Instant::now();
        loop {
            let left = wait.saturating_sub(start.elapsed());
            // A time that is too long to say is one without an end.
            let left = Timespec::try_from(left).ok();
            match poll(&mut [PollFd::new(&self.terminal, PollFlags::IN)], left.as_ref()) {
                Ok(ready) => return Ok(ready > 0),
                // A signal came, such as that the window has another size.
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Raw {
    /// Keys that no one has asked for are thrown away: the shell would take them for a command.
    fn drop(&mut self) {
        // There is no one to tell.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        fs::File,
        io::Write,
        panic::{AssertUnwindSafe, catch_unwind},
    };

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// Both ends of a terminal: of who types, and of the program.
    pub(crate) fn terminal() -> (File, OwnedFd) {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let program = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
        (keyboard.into(), program)
    }

    fn modes(terminal: &OwnedFd) -> (LocalModes, InputModes) {
        let settings = tcgetattr(terminal).unwrap();
        (settings.local_modes, settings.input_modes)
    }

    #[test]
    fn keys_come_at_once_and_the_terminal_is_restored() {
        let (mut keyboard, program) = terminal();
        let before = modes(&program);
        assert!(before.0.contains(LocalModes::ICANON | LocalModes::ECHO));
        let raw = Raw::of(program.try_clone().unwrap()).unwrap();
        assert!(!modes(&program).0.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG));
        let mut bytes = Vec::new();
        assert!(!raw.read(&mut bytes, Duration::ZERO).unwrap());
        keyboard.write_all(b"a\x03\r").unwrap();
        while bytes.len() < 3 {
            assert!(raw.read(&mut bytes, Duration::from_secs(10)).unwrap());
        }
        assert_eq!(bytes, b"a\x03\r");
        drop(raw);
        assert_eq!(modes(&program), before);
    }

    #[test]
    fn a_panic_restores_the_terminal() {
        let (_keyboard, program) = terminal();
        let before = modes(&program);
        let raw = Raw::of(program.try_clone().unwrap()).unwrap();
        let caught = catch_unwind(AssertUnwindSafe(move || {
            let _raw = raw;
            panic!("on purpose");
        }));
        assert!(caught.is_err());
        assert_eq!(modes(&program), before);
    }

    #[test]
    fn a_terminal_that_goes_away_is_an_error() {
        let (keyboard, program) = terminal();
        let raw = Raw::of(program).unwrap();
        drop(keyboard);
        assert!(raw.read(&mut Vec::new(), Duration::from_secs(10)).is_err());
    }
}
