//! Keys, as terminals write them.

/// A key that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// The arrow left.
    Left,
    /// The arrow right.
    Right,
    /// A letter, a digit, a space or any other character. With Alt it is the same.
    Char(char),
    /// Enter or return.
    Enter,
    /// The tabulator.
    Tab,
    /// Backspace.
    Backspace,
    /// Escape by itself.
    Escape,
    /// Ctrl-C. In raw mode it stops nothing: that is up to who reads it.
    Interrupt,
}

/// What some bytes begin with, and how many of them are that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Key(Key, usize),
    /// A key that has no name here, or what a terminal says of itself.
    Other(usize),
    /// The beginning of something.
    More,
}

const ESCAPE: u8 = 0x1b;

/// What `bytes` begin with. Where `is_all` no more is coming, so what would be a beginning is a key by itself, or
/// nothing.
pub(crate) fn parse(bytes: &[u8], is_all: bool) -> Parsed {
    let found = match *bytes {
        [] => return Parsed::More,
        [ESCAPE] if is_all => Parsed::Key(Key::Escape, 1),
        [ESCAPE, ref rest @ ..] => parse_escaped(rest),
        [0x03, ..] => Parsed::Key(Key::Interrupt, 1),
        [b'\r' | b'\n', ..] => Parsed::Key(Key::Enter, 1),
        [b'\t', ..] => Parsed::Key(Key::Tab, 1),
        [0x08 | 0x7f, ..] => Parsed::Key(Key::Backspace, 1),
        [0..0x20, ..] => Parsed::Other(1),
        _ => parse_char(bytes),
    };
    if is_all && found == Parsed::More { Parsed::Other(bytes.len()) } else { found }
}

/// What follows an escape, which counts as one of the bytes.
fn parse_escaped(rest: &[u8]) -> Parsed {
    match *rest {
        [] => Parsed::More,
        [b'[', ref sequence @ ..] => {
            // Numbers and their separators, what stands between, and one letter that says what it is.
            let Some(end) = sequence.iter().position(|byte| !(0x20..0x40).contains(byte)) else {
                return Parsed::More;
            };
            let length = 2 + end + 1;
            match sequence[end] {
                // Without numbers, or with those of Shift and the like.
                letter if sequence[..end].iter().all(|byte| byte.is_ascii_digit() || *byte == b';') => {
                    arrow(letter, length)
                }
                // A new one begins before the last has ended.
                ESCAPE => Parsed::Other(length - 1),
                _ => Parsed::Other(length),
            }
        }
        // As some terminals say arrows in other modes.
        [b'O', letter, ..] => arrow(letter, 3),
        [b'O'] => Parsed::More,
        // Messages of the terminal, up to a bell or a backslash that is escaped.
        [b']' | b'P' | b'_' | b'^' | b'X', ..] => {
            let bell = rest.iter().position(|&byte| byte == 0x07).map(|at| at + 1);
            let escaped = rest.windows(2).position(|pair| pair == b"\x1b\\").map(|at| at + 2);
            let end = bell.into_iter().chain(escaped).min();
            end.map_or(Parsed::More, |end| Parsed::Other(1 + end))
        }
        [ESCAPE, ..] => Parsed::Key(Key::Escape, 1),
        // With Alt.
        _ => match parse(rest, false) {
            Parsed::Key(key, length) => Parsed::Key(key, length + 1),
            Parsed::Other(length) => Parsed::Other(length + 1),
            Parsed::More => Parsed::More,
        },
    }
}

fn arrow(letter: u8, length: usize) -> Parsed {
    let key = match letter {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        ESCAPE => return Parsed::Other(length - 1),
        _ => return Parsed::Other(length),
    };
    Parsed::Key(key, length)
}

/// One character of UTF-8.
fn parse_char(bytes: &[u8]) -> Parsed {
    let first = bytes.utf8_chunks().next();
    let valid = first.as_ref().and_then(|chunk| chunk.valid().chars().next());
    match (valid, first) {
        (Some(letter), _) => Parsed::Key(Key::Char(letter), letter.len_utf8()),
        // All that there is, and the beginning of a character.
        (None, Some(chunk)) if chunk.invalid() == bytes && std::str::from_utf8(bytes).is_err_and(is_cut) => {
            Parsed::More
        }
        (None, first) => Parsed::Other(first.map_or(1, |chunk| chunk.invalid().len())),
    }
}

fn is_cut(error: std::str::Utf8Error) -> bool {
    error.error_len().is_none()
}

#[cfg(test)]
mod tests {
    use super::{Parsed::More, *};

    #[test]
    fn keys_are_told_from_what_they_begin_with() {
        let key = Parsed::Key;
        let cases: &[(&[u8], Parsed, Parsed)] = &[
            // The bytes, what they are while more may come, and what they are alone.
            (b"", More, More),
            (b"w", key(Key::Char('w'), 1), key(Key::Char('w'), 1)),
            (b" d", key(Key::Char(' '), 1), key(Key::Char(' '), 1)),
            ("é".as_bytes(), key(Key::Char('é'), 2), key(Key::Char('é'), 2)),
            ("界x".as_bytes(), key(Key::Char('界'), 3), key(Key::Char('界'), 3)),
            (b"\xe7\x95", More, Parsed::Other(2)),
            (b"\xffa", Parsed::Other(1), Parsed::Other(1)),
            (b"\xe7a", Parsed::Other(1), Parsed::Other(1)),
            (b"\r", key(Key::Enter, 1), key(Key::Enter, 1)),
            (b"\n", key(Key::Enter, 1), key(Key::Enter, 1)),
            (b"\t", key(Key::Tab, 1), key(Key::Tab, 1)),
            (b"\x7f", key(Key::Backspace, 1), key(Key::Backspace, 1)),
            (b"\x03", key(Key::Interrupt, 1), key(Key::Interrupt, 1)),
            (b"\x01", Parsed::Other(1), Parsed::Other(1)),
            (b"\x1b", More, key(Key::Escape, 1)),
            (b"\x1b\x1b", key(Key::Escape, 1), key(Key::Escape, 1)),
            (b"\x1bx", key(Key::Char('x'), 2), key(Key::Char('x'), 2)),
            (b"\x1b[", More, Parsed::Other(2)),
            (b"\x1b[A", key(Key::Up, 3), key(Key::Up, 3)),
            (b"\x1b[B\x1b[C", key(Key::Down, 3), key(Key::Down, 3)),
            (b"\x1b[C", key(Key::Right, 3), key(Key::Right, 3)),
            (b"\x1b[D", key(Key::Left, 3), key(Key::Left, 3)),
            (b"\x1bOD", key(Key::Left, 3), key(Key::Left, 3)),
            (b"\x1bO", More, Parsed::Other(2)),
            (b"\x1b[1;2A", key(Key::Up, 6), key(Key::Up, 6)),
            (b"\x1b[1;2", More, Parsed::Other(5)),
            (b"\x1b[3~", Parsed::Other(4), Parsed::Other(4)),
            (b"\x1b[?62;4c", Parsed::Other(8), Parsed::Other(8)),
            (b"\x1b[1\x1b[A", Parsed::Other(3), Parsed::Other(3)),
            (b"\x1b_Gi=1;OK\x1b\\q", Parsed::Other(11), Parsed::Other(11)),
            (b"\x1b_Gi=1;O", More, Parsed::Other(8)),
            (b"\x1b]11;rgb:0/0/0\x07q", Parsed::Other(15), Parsed::Other(15)),
        ];
        for &(bytes, at_first, alone) in cases {
            let name = bytes.escape_ascii();
            assert_eq!(parse(bytes, false), at_first, "{name} while more may come");
            assert_eq!(parse(bytes, true), alone, "{name} alone");
        }
    }

    #[test]
    fn any_bytes_are_used_up() {
        for seed in 0..2000_u32 {
            let mut bytes: Vec<u8> = (0..8)
                .map(|i| {
                    let mixed = (seed * 8 + i).wrapping_mul(2_654_435_761) >> 11;
                    // Often what sequences are made of.
                    if mixed % 3 == 0 {
                        (mixed >> 8) as u8
                    } else {
                        b"\x1b[O]P;1A\\\x07\xe7"[mixed as usize % 11]
                    }
                })
                .collect();
            while !bytes.is_empty() {
                let (Parsed::Key(_, used) | Parsed::Other(used)) = parse(&bytes, true) else {
                    panic!("{}", bytes.escape_ascii());
                };
                assert!((1..=bytes.len()).contains(&used));
                bytes.drain(..used);
            }
        }
    }
}
