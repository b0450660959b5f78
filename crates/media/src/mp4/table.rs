//! The sample table: where each coded picture lies. Its lists are read where they are, so that forged counts claim no
//! memory.

use std::ops::Range;

use super::boxes::child;
use crate::{error::Malformed, schedule::MAX_UNEVEN_FRAMES};

type Result<T> = std::result::Result<T, Malformed>;

/// The most samples of a track: a week at 110 frames per second.
const MAX_SAMPLES: usize = 1 << 26;

/// Version and flags, before what a box of a list says.
const FLAGS: usize = 4;

/// The lists of a track.
pub(super) struct SampleTable<'a> {
    sizes: Sizes<'a>,
    chunks: Chunks<'a>,
    /// First chunk (from 1), samples in each chunk from there on, description.
    runs: &'a [[u8; 12]],
    /// Samples, ticks of each.
    durations: &'a [[u8; 8]],
    /// Samples, ticks from the time of decoding to that of showing.
    offsets: &'a [[u8; 8]],
}

/// When samples are shown, in ticks.
pub(super) struct Times {
    /// In order of decoding.
    pub starts: Vec<i64>,
    /// Of the last.
    pub last_duration: i64,
    /// When one more sample would be decoded.
    pub end: i64,
}

enum Sizes<'a> {
    Identical { count: usize, size: u32 },
    Different(&'a [[u8; 4]]),
}

/// Where chunks of samples begin in the file.
enum Chunks<'a> {
    Short(&'a [[u8; 4]]),
    Long(&'a [[u8; 8]]),
}

impl<'a> SampleTable<'a> {
    /// Reads the lists in the body of a `stbl` box.
    pub fn parse(stbl: &'a [u8]) -> Result<Self> {
        let table = Self {
            sizes: sizes(required(stbl, *b"stsz")?)?,
            chunks: match (child(stbl, *b"stco"), child(stbl, *b"co64")) {
                (Some(stco), _) => Chunks::Short(list("stco", stco)?),
                (None, Some(co64)) => Chunks::Long(list("co64", co64)?),
                (None, None) => {
                    return Err(Malformed::new("the sample table has no chunk offsets (stco or co64)"));
                }
            },
            runs: list("stsc", required(stbl, *b"stsc")?)?,
            durations: list("stts", required(stbl, *b"stts")?)?,
            offsets: child(stbl, *b"ctts").map_or(Ok(&[][..]), |ctts| list("ctts", ctts))?,
        };
        let count = table.len();
        if count > MAX_SAMPLES {
            return Err(Malformed::new(format!("{count} samples, more than {MAX_SAMPLES} (stsz)")));
        }
        let timed = table.durations().map(|(count, _)| count as u64).sum::<u64>();
        if timed != count as u64 {
            return Err(Malformed::new(format!("expected times of {count} samples, found {timed} (stts)")));
        }
        Ok(table)
    }

    /// Samples; none if all are in fragments.
    pub fn len(&self) -> usize {
        match self.sizes {
            Sizes::Identical { count, .. } => count,
            Sizes::Different(sizes) => sizes.len(),
        }
    }

    /// Calls `each` with the place of every sample in order of decoding. They lie in the file and, as their sizes do
    /// not add up to more than it, cannot all be the same megabytes.
    pub fn for_each_sample(&self, file_len: u64, mut each: impl FnMut(Range<u64>)) -> Result<()> {
        let count = self.len();
        let (mut index, mut run, mut total) = (0, 0, 0_u64);
        for (chunk, mut start) in (1..).zip(self.chunks.iter()) {
            let number = |run: usize| self.runs.get(run).map(|run| be32(&run[..4]));
            while number(run + 1).is_some_and(|first| first <= chunk) {
                run += 1;
            }
            let run = self.runs.get(run).filter(|run| be32(&run[..4]) <= chunk);
            let in_chunk = run.map_or(0, |run| be32(&run[4..8]) as usize);
            for _ in 0..in_chunk.min(count - index) {
                let size = u64::from(self.size(index));
                total += size;
                let end = start.checked_add(size).filter(|&end| end <= file_len && size > 0);
                let end = end.filter(|_| total <= file_len).ok_or_else(|| {
                    Malformed::new(format!("sample {index} lies outside the file; the file may be cut short"))
                })?;
                each(start..end);
                (start, index) = (end, index + 1);
            }
        }
        if index != count {
            return Err(Malformed::new(format!("expected {count} samples, found places for {index}")));
        }
        Ok(())
    }

    /// Ticks of each sample, if all have the same and are shown as they are decoded.
    pub fn steady_ticks(&self) -> Option<u32> {
        let mut durations = self.durations().filter(|&(count, _)| count > 0).map(|(_, ticks)| ticks);
        let first = durations.next().filter(|&ticks| ticks > 0)?;
        (self.offsets.is_empty() && durations.all(|ticks| ticks == first)).then_some(first)
    }

    /// When each sample is shown.
    pub fn times(&self) -> Result<Times> {
        let count = self.len();
        if count > MAX_UNEVEN_FRAMES {
            return Err(Malformed::new(format!(
                "expected at most {MAX_UNEVEN_FRAMES} frames of uneven times, found {count}"
            )));
        }
        // Some programs write negative offsets where the older version of the list has none.
        let offsets = self.offsets.iter().flat_map(|run| {
            let offset = be32(&run[4..]).cast_signed();
            std::iter::repeat_n(i64::from(offset), (be32(&run[..4]) as usize).min(count))
        });
        let durations =
            self.durations().flat_map(|(count, ticks)| std::iter::repeat_n(i64::from(ticks), count));
        let mut times = Times { starts: Vec::with_capacity(count), last_duration: 0, end: 0 };
        for (duration, offset) in durations.zip(offsets.chain(std::iter::repeat(0))) {
            times.starts.push(times.end + offset);
            times.end += duration;
            times.last_duration = duration;
        }
        Ok(times)
    }

    /// Samples, and the ticks of each.
    fn durations(&self) -> impl Iterator<Item = (usize, u32)> {
        self.durations.iter().map(|run| (be32(&run[..4]) as usize, be32(&run[4..])))
    }

    fn size(&self, index: usize) -> u32 {
        match self.sizes {
            Sizes::Identical { size, .. } => size,
            Sizes::Different(sizes) => u32::from_be_bytes(sizes[index]),
        }
    }
}

impl Chunks<'_> {
    fn iter(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        match self {
            Self::Short(offsets) => Box::new(offsets.iter().map(|&offset| u32::from_be_bytes(offset).into())),
            Self::Long(offsets) => Box::new(offsets.iter().map(|&offset| u64::from_be_bytes(offset))),
        }
    }
}

fn sizes(stsz: &[u8]) -> Result<Sizes<'_>> {
    let cut = || Malformed::new("the list stsz is cut short");
    let size = be32(stsz.get(FLAGS..FLAGS + 4).ok_or_else(cut)?);
    match size {
        0 => Ok(Sizes::Different(list("stsz", stsz.get(4..).ok_or_else(cut)?)?)),
        size => {
            let count = be32(stsz.get(FLAGS + 4..FLAGS + 8).ok_or_else(cut)?) as usize;
            Ok(Sizes::Identical { count, size })
        }
    }
}

fn required(stbl: &[u8], kind: [u8; 4]) -> Result<&[u8]> {
    child(stbl, kind)
        .ok_or_else(|| Malformed::new(format!("the sample table has no {}", kind.escape_ascii())))
}

/// The entries of a list, of which there must be as many as it announces.
pub(super) fn list<'a, const N: usize>(name: &str, body: &'a [u8]) -> Result<&'a [[u8; N]]> {
    let cut = || Malformed::new(format!("the list {name} is cut short"));
    let count = be32(body.get(FLAGS..FLAGS + 4).ok_or_else(cut)?) as usize;
    let (entries, _) = body[FLAGS + 4..].as_chunks::<N>();
    entries.get(..count).ok_or_else(|| {
        Malformed::new(format!("the list {name} announces {count} entries and holds {}", entries.len()))
    })
}

/// Of 4 bytes.
pub(super) fn be32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, &byte| value << 8 | u32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::{super::boxes::wrap, *};

    fn full(kind: [u8; 4], words: &[u32]) -> Vec<u8> {
        wrap(kind, &[0].iter().chain(words).flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>())
    }

    /// A table of chunks at these offsets.
    fn table(stsz: &[u32], offsets: &[u32], stsc: &[u32], stts: &[u32]) -> Vec<u8> {
        let stco = [&[offsets.len() as u32], offsets].concat();
        [full(*b"stsz", stsz), full(*b"stco", &stco), full(*b"stsc", stsc), full(*b"stts", stts)].concat()
    }

    fn places(stbl: &[u8], file_len: u64) -> Result<Vec<Range<u64>>> {
        let mut places = Vec::new();
        SampleTable::parse(stbl)?.for_each_sample(file_len, |place| places.push(place))?;
        Ok(places)
    }

    #[test]
    fn runs_of_chunks_say_where_samples_are() {
        // Two chunks of 2 samples, then chunks of 1.
        let stbl = table(&[0, 5, 1, 2, 3, 4, 5], &[10, 20, 30], &[2, 1, 2, 1, 3, 1, 1], &[2, 2, 100, 3, 200]);
        assert_eq!(places(&stbl, 100).unwrap(), [10..11, 11..13, 20..23, 23..27, 30..35]);
        let table_of_two_runs = SampleTable::parse(&stbl).unwrap();
        assert_eq!(table_of_two_runs.steady_ticks(), None);
        let Times { starts, last_duration, end } = table_of_two_runs.times().unwrap();
        assert_eq!((starts, last_duration, end), (vec![0, 100, 200, 400, 600], 200, 800));
        assert!(places(&stbl, 34).is_err());
        let identical = table(&[7, 3], &[10], &[1, 1, 9, 1], &[1, 3, 100]);
        assert_eq!(places(&identical, 31).unwrap(), [10..17, 17..24, 24..31]);
        assert_eq!(SampleTable::parse(&identical).unwrap().steady_ticks(), Some(100));
    }

    #[test]
    fn frames_are_shown_at_their_offsets() {
        // I P B B, decoded in this order.
        let offsets = full(*b"ctts", &[3, 1, 100, 1, 300, 2, u32::MAX - 99]);
        let stbl = [table(&[7, 4], &[10], &[1, 1, 9, 1], &[1, 4, 100]), offsets].concat();
        let table = SampleTable::parse(&stbl).unwrap();
        assert_eq!(table.steady_ticks(), None);
        assert_eq!(table.times().unwrap().starts, [100, 400, 100, 200]);
    }

    #[test]
    fn forged_counts_and_places_are_refused_at_once() {
        let (stsz, offsets, stsc, stts) = ([0, 2, 1, 1], [10], [1, 1, 2, 1], [1, 2, 100]);
        assert!(places(&table(&stsz, &offsets, &stsc, &stts), 100).is_ok());
        let many = u32::MAX;
        for (stbl, named) in [
            (table(&[0, many, 1, 1], &offsets, &stsc, &stts), "stsz"),
            (table(&[1, many], &offsets, &[1, 1, many, 1], &stts), "more than"),
            (table(&stsz, &offsets, &stsc, &[2, 1, 100, 2, 100]), "stts"),
            (table(&stsz, &offsets, &[many, 1, 2, 1], &stts), "stsc"),
            (table(&stsz, &offsets, &[0], &stts), "places for 0"),
            (table(&stsz, &[many], &stsc, &stts), "outside"),
            (table(&stsz, &offsets, &stsc, &[many, 2, 100]), "stts"),
            // 50 chunks that are all the same 90 bytes.
            (table(&[90, 50], &[10; 50], &[1, 1, 1, 1], &[1, 50, 100]), "outside"),
        ] {
            let Malformed(reason) = places(&stbl, 100).unwrap_err();
            assert!(reason.contains(named), "{reason}");
        }
    }
}
