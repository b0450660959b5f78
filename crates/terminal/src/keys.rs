//! Keys as they are pressed.

use std::time::{Duration, Instant};

use crate::{
    Key, Result,
    key::{Parsed, parse},
    raw::Raw,
};

/// An arrow begins as the escape key does. What terminals send at once is together sooner than that, even from afar;
/// nobody types so fast.
const PAUSE: Duration = Duration::from_millis(40);

/// Keys of the terminal that is the standard input, which is in raw mode as long as this lives: no key is shown, and
/// none stops the program. After it, and after a panic that it lived through, the terminal is as it was before.
pub struct Keys {
    raw: Raw,
    /// What is no key yet, and when the last of it came.
    pending: Vec<u8>,
    last: Instant,
}

impl Keys {
    /// Takes the keys.
    ///
    /// # Errors
    /// A standard input that is no terminal, or one whose keys belong to another program; on systems other than Unix
    /// always.
    pub fn open() -> Result<Self> {
        Ok(Self::of(Raw::of_stdin()?))
    }

    fn of(raw: Raw) -> Self {
        Self { raw, pending: Vec::new(), last: Instant::now() }
    }

    /// The next key, if one comes within `wait`; [`Duration::ZERO`] only looks whether one is there.
    ///
    /// # Errors
    /// A terminal that is gone.
    pub fn next(&mut self, wait: Duration) -> Result<Option<Key>> {
        let start = Instant::now();
        loop {
            let is_all = !self.pending.is_empty() && self.last.elapsed() >= PAUSE;
            match parse(&self.pending, is_all) {
                Parsed::Key(key, used) => {
                    self.pending.drain(..used);
                    return Ok(Some(key));
                }
                Parsed::Other(used) => {
                    self.pending.drain(..used);
                    continue;
                }
                Parsed::More => {}
            }
            let left = wait.saturating_sub(start.elapsed());
            let pause = PAUSE.saturating_sub(self.last.elapsed());
            let is_begun = !self.pending.is_empty();
            if self.raw.read(&mut self.pending, if is_begun { left.min(pause) } else { left })? {
                self.last = Instant::now();
            } else if start.elapsed() >= wait && !(is_begun && self.last.elapsed() >= PAUSE) {
                return Ok(None);
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{io::Write, thread};

    use super::*;
    use crate::raw::tests::terminal;

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn keys_are_read_one_by_one() {
        let (mut keyboard, program) = terminal();
        let mut keys = Keys::of(Raw::of(program).unwrap());
        assert_eq!(keys.next(Duration::ZERO).unwrap(), None);
        keyboard.write_all(b"w\x1b[A\x1b[?62;4c \x03").unwrap();
        for expected in [Key::Char('w'), Key::Up, Key::Char(' '), Key::Interrupt] {
            assert_eq!(keys.next(LONG).unwrap(), Some(expected));
        }
        assert_eq!(keys.next(Duration::from_millis(1)).unwrap(), None);
    }

    #[test]
    fn escape_is_told_from_an_arrow_without_waiting_for_it() {
        let (mut keyboard, program) = terminal();
        let mut keys = Keys::of(Raw::of(program).unwrap());
        keyboard.write_all(b"\x1b").unwrap();
        assert_eq!(keys.next(LONG).unwrap(), Some(Key::Escape));
        // Looked for from frame to frame, it comes when it is sure.
        keyboard.write_all(b"\x1b").unwrap();
        let start = Instant::now();
        let key = loop {
            assert!(start.elapsed() < LONG);
            if let Some(key) = keys.next(Duration::ZERO).unwrap() {
                break key;
            }
            thread::sleep(Duration::from_millis(1));
        };
        assert_eq!(key, Key::Escape);
        assert!(start.elapsed() >= PAUSE);
    }
}
