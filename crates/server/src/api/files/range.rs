//! The header `Range`.

/// What is asked for of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// All of it: nothing else is asked for, or nothing that makes sense, or several parts at once, which a server may take
    /// for that.
    Whole,
    /// These bytes.
    Part {
        /// From 0.
        first: u64,
        /// Within the file, and not before the first.
        last: u64,
    },
    /// None that the file has.
    Outside,
}

impl Range {
    /// What a value of the header asks for, of a file of `length` bytes.
    pub fn of(value: &str, length: u64) -> Self {
        let Some(spec) = value.trim().strip_prefix("bytes=") else { return Self::Whole };
        let Some((first, last)) = spec.trim().split_once('-') else { return Self::Whole };
        let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            // Longer numbers than there are mean the end.
            true => Some(text.parse().unwrap_or(u64::MAX)),
            false => None,
        };
        match (first.is_empty(), last.is_empty(), number(first), number(last)) {
            // The last so many.
            (true, false, _, Some(count)) => match count.min(length) {
                0 => Self::Outside,
                count => Self::Part { first: length - count, last: length - 1 },
            },
            (false, true, Some(first), _) => Self::within(first, u64::MAX, length),
            (false, false, Some(first), Some(last)) if first <= last => Self::within(first, last, length),
            _ => Self::Whole,
        }
    }

    fn within(first: u64, last: u64, length: u64) -> Self {
        match first < length {
            true => Self::Part { first, last: last.min(length - 1) },
            false => Self::Outside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_as_the_standard_has_them() {
        let part = |first, last| Range::Part { first, last };
        for (value, length, expected) in [
            ("bytes=0-0", 10, part(0, 0)),
            ("bytes=0-9", 10, part(0, 9)),
            ("bytes=2-99", 10, part(2, 9)),
            ("bytes=5-", 10, part(5, 9)),
            ("bytes=-3", 10, part(7, 9)),
            ("bytes=-99", 10, part(0, 9)),
            ("bytes=0-99999999999999999999999", 10, part(0, 9)),
            ("bytes=10-", 10, Range::Outside),
            ("bytes=-0", 10, Range::Outside),
            ("bytes=0-", 0, Range::Outside),
            ("bytes=-5", 0, Range::Outside),
            ("bytes=5-2", 10, Range::Whole),
            ("bytes=0-1,4-5", 10, Range::Whole),
            ("bytes=-", 10, Range::Whole),
            ("bytes=a-b", 10, Range::Whole),
            ("bytes=+1-2", 10, Range::Whole),
            ("pages=1-2", 10, Range::Whole),
            ("", 10, Range::Whole),
        ] {
            assert_eq!(Range::of(value, length), expected, "{value} of {length}");
        }
    }
}
