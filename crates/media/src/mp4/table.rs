//! The sample table: where each coded picture lies. Its lists are read where they are, so that forged counts claim no
//! memory.

use std::ops::Range;

use super::boxes::child;
use crate::error::Malformed;

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
        };
        match table.len() {
            0 => Err(Malformed::new("the track has no samples (stsz)")),
            1..=MAX_SAMPLES => Ok(table),
            count => Err(Malformed::new(format!("{count} samples, more than {MAX_SAMPLES} (stsz)"))),
        }
    }

    /// Samples, at least 1.
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

    /// Frames per second, the mean over the track.
    pub fn rate(&self, timescale: u32) -> Result<f64> {
        let ticks = |[count, ticks]: [u32; 2]| u128::from(count) * u128::from(ticks);
        let entries = self.durations.iter().map(|entry| [be32(&entry[..4]), be32(&entry[4..])]);
        match entries.map(ticks).sum::<u128>() {
            0 => Err(Malformed::new("the track has no duration (stts)")),
            ticks => Ok(self.len() as f64 * f64::from(timescale) / ticks as f64),
        }
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
fn list<'a, const N: usize>(name: &str, body: &'a [u8]) -> Result<&'a [[u8; N]]> {
    let cut = || Malformed::new(format!("the list {name} is cut short"));
    let count = be32(body.get(FLAGS..FLAGS + 4).ok_or_else(cut)?) as usize;
    let (entries, _) = body[FLAGS + 4..].as_chunks::<N>();
    entries.get(..count).ok_or_else(|| {
        Malformed::new(format!("the list {name} announces {count} entries and holds {}", entries.len()))
    })
}

/// Of 4 bytes.
fn be32(bytes: &[u8]) -> u32 {
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
        assert_eq!(SampleTable::parse(&stbl).unwrap().rate(800).unwrap(), 5.0);
        assert!(places(&stbl, 34).is_err());
        let identical = table(&[7, 3], &[10], &[1, 1, 9, 1], &[1, 3, 100]);
        assert_eq!(places(&identical, 31).unwrap(), [10..17, 17..24, 24..31]);
    }

    #[test]
    fn forged_counts_and_places_are_refused_at_once() {
        let (stsz, offsets, stsc, stts) = ([0, 2, 1, 1], [10], [1, 1, 2, 1], [1, 2, 100]);
        assert!(places(&table(&stsz, &offsets, &stsc, &stts), 100).is_ok());
        let many = u32::MAX;
        for (stbl, named) in [
            (table(&[0, many, 1, 1], &offsets, &stsc, &stts), "stsz"),
            (table(&[1, many], &offsets, &[1, 1, many, 1], &stts), "more than"),
            (table(&[0, 0], &offsets, &stsc, &stts), "no samples"),
            (table(&stsz, &offsets, &[many, 1, 2, 1], &stts), "stsc"),
            (table(&stsz, &offsets, &[0], &stts), "places for 0"),
            (table(&stsz, &[many], &stsc, &stts), "outside"),
            (table(&stsz, &offsets, &stsc, &[many, 2, 100]), "stts"),
            // 50 chunks that are all the same 90 bytes.
            (table(&[90, 50], &[10; 50], &[1, 1, 1, 1], &stts), "outside"),
        ] {
            let Malformed(reason) = places(&stbl, 100).unwrap_err();
            assert!(reason.contains(named), "{reason}");
        }
        let endless = table(&stsz, &offsets, &stsc, &[2, many, many, many, many]);
        let rate = SampleTable::parse(&endless).unwrap().rate(1).unwrap();
        assert!(rate > 0.0 && rate < 1e-18, "{rate}");
    }
}
