//! The samples of a file that is written in fragments: each `moof` box says where those behind it are.

use std::ops::Range;

use super::{
    boxes::{Index, child, children},
    table::be32,
};
use crate::{error::Malformed, schedule::MAX_UNEVEN_FRAMES};

type Result<T> = std::result::Result<T, Malformed>;

/// No file's clock counts further; times and offsets can then be added without a care.
const MAX_TIME: i64 = 1 << 60;

/// The coded pictures of a track, in order of decoding.
#[derive(Default)]
pub(super) struct Samples {
    /// Where they are in the file.
    pub places: Vec<Range<u64>>,
    /// When they are shown, in ticks.
    pub starts: Vec<i64>,
    /// Of the last one, in ticks.
    pub last_duration: i64,
    /// When one more would be decoded.
    pub end: i64,
    /// Whether the file ends within the pictures of a fragment, which is then left out.
    pub is_cut: bool,
}

/// What is said once for all samples (`trex`), unless a fragment says another (`tfhd`).
#[derive(Clone, Copy)]
struct Defaults {
    duration: u32,
    size: u32,
}

impl Samples {
    /// Adds those of all whole fragments of a track.
    pub fn append_fragments(&mut self, index: &Index, track: u32) -> Result<()> {
        let defaults = Defaults::of_track(&index.moov, track);
        self.is_cut = index.is_cut;
        for (number, (start, moof)) in (1..).zip(&index.moofs) {
            let whole = (self.places.len(), self.last_duration, self.end);
            for (_, traf) in children(moof).filter(|(kind, _)| kind == b"traf") {
                self.append(traf, *start, track, defaults).ok_or_else(|| {
                    Malformed::new(format!("what fragment {number} says of its pictures (moof) is damaged"))
                })?;
            }
            if self.places[whole.0..].iter().any(|place| place.end > index.file_len) {
                self.is_cut = true;
                self.places.truncate(whole.0);
                self.starts.truncate(whole.0);
                (_, self.last_duration, self.end) = whole;
                return Ok(());
            }
            if self.places.len() > MAX_UNEVEN_FRAMES {
                return Err(Malformed::new(format!("more than {MAX_UNEVEN_FRAMES} samples in fragments")));
            }
        }
        Ok(())
    }

    /// Adds the samples of one track's part of the fragment at `moof`. `None` if it is damaged.
    fn append(&mut self, traf: &[u8], moof: u64, track: u32, mut defaults: Defaults) -> Option<()> {
        let mut header = Fields::new(child(traf, *b"tfhd")?)?;
        if header.word()? != track {
            return Some(());
        }
        let base = if header.has(0x01) { header.long()? } else { moof };
        header.word_if(0x02)?; // which description
        defaults.duration = header.word_if(0x08)?.unwrap_or(defaults.duration);
        defaults.size = header.word_if(0x10)?.unwrap_or(defaults.size);
        if let Some(tfdt) = child(traf, *b"tfdt") {
            let mut fields = Fields::new(tfdt)?;
            let time = if fields.version == 1 { fields.long()? } else { fields.word()?.into() };
            self.end = i64::try_from(time).ok()?;
        }
        let mut start = base;
        for (_, trun) in children(traf).filter(|(kind, _)| kind == b"trun") {
            let mut run = Fields::new(trun)?;
            let count = run.word()?;
            if let Some(offset) = run.word_if(0x01)? {
                start = base.checked_add_signed(offset.cast_signed().into())?;
            }
            run.word_if(0x04)?; // of the first sample: what others depend on it
            for _ in 0..count {
                let duration = i64::from(run.word_if(0x100)?.unwrap_or(defaults.duration));
                let size = run.word_if(0x200)?.unwrap_or(defaults.size);
                run.word_if(0x400)?; // what others depend on it
                let offset = run.word_if(0x800)?.unwrap_or(0).cast_signed();
                // A forged count ends here, or at the end of its list.
                if size == 0 || self.places.len() > MAX_UNEVEN_FRAMES || self.end > MAX_TIME {
                    return None;
                }
                let end = start.checked_add(size.into())?;
                self.places.push(start..end);
                self.starts.push(self.end + i64::from(offset));
                self.last_duration = duration;
                self.end += duration;
                start = end;
            }
        }
        Some(())
    }
}

impl Defaults {
    fn of_track(moov: &[u8], track: u32) -> Self {
        let boxes = child(moov, *b"mvex").into_iter().flat_map(children);
        let mut found = boxes.filter(|(kind, _)| kind == b"trex").filter_map(|(_, trex)| {
            let mut fields = Fields::new(trex)?;
            (fields.word()? == track).then_some(())?;
            fields.word()?; // which description
            Some(Self { duration: fields.word()?, size: fields.word()? })
        });
        found.next().unwrap_or(Self { duration: 0, size: 0 })
    }
}

/// The body of a box whose flags say which fields it has.
struct Fields<'a> {
    version: u8,
    flags: u32,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn new(body: &'a [u8]) -> Option<Self> {
        let (word, rest) = body.split_at_checked(4)?;
        Some(Self { version: word[0], flags: be32(&word[1..]), rest })
    }

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    fn word(&mut self) -> Option<u32> {
        Some(be32(self.rest.split_off(..4)?))
    }

    fn long(&mut self) -> Option<u64> {
        Some(u64::from(self.word()?) << 32 | u64::from(self.word()?))
    }

    /// `Some(None)` for a field that the box has not.
    fn word_if(&mut self, flag: u32) -> Option<Option<u32>> {
        if self.has(flag) { self.word().map(Some) } else { Some(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::boxes::wrap, *};

    fn full(kind: [u8; 4], version_and_flags: u32, words: &[u32]) -> Vec<u8> {
        let words = [&[version_and_flags], words].concat();
        wrap(kind, &words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>())
    }

    /// A file of these fragments, of which only the index is looked at.
    fn samples(fragments: &[(u64, Vec<u8>)], file_len: u64) -> Result<Samples> {
        let index = Index {
            moov: wrap(*b"mvex", &full(*b"trex", 0, &[2, 1, 10, 3, 0])),
            moofs: fragments.iter().map(|(start, traf)| (*start, wrap(*b"traf", traf))).collect(),
            file_len,
            is_cut: false,
        };
        let mut samples = Samples::default();
        samples.append_fragments(&index, 2)?;
        Ok(samples)
    }

    #[test]
    fn fields_are_those_of_the_run_the_fragment_or_the_track() {
        let of_track = [full(*b"tfhd", 0x20000, &[2]), full(*b"trun", 1, &[2, 100])].concat();
        let of_fragment = [
            full(*b"tfhd", 0x19, &[2, 0, 1000, 20, 5]),
            full(*b"tfdt", 1 << 24, &[0, 500]),
            full(*b"trun", 0, &[1]),
            full(*b"trun", 0xe05 | 1 << 24, &[2, 50, 7, 8, 7, u32::MAX, 9, 7, 30]),
        ]
        .concat();
        let of_another = [full(*b"tfhd", 0x20000, &[1]), full(*b"trun", 1, &[9, 0])].concat();
        let found = samples(&[(1000, of_track), (2000, of_another), (3000, of_fragment)], 5000).unwrap();
        assert_eq!(found.places, [1100..1103, 1103..1106, 1000..1005, 1050..1058, 1058..1067]);
        assert_eq!(found.starts, [0, 10, 500, 519, 570]);
        assert_eq!((found.last_duration, found.end, found.is_cut), (20, 560, false));
    }

    #[test]
    fn a_fragment_that_is_not_whole_is_left_out() {
        let fragment = [full(*b"tfhd", 0x20000, &[2]), full(*b"trun", 1, &[2, 100])].concat();
        let fragments = [(1000, fragment.clone()), (2000, fragment)];
        assert_eq!(samples(&fragments, 2106).unwrap().places.len(), 4);
        let cut = samples(&fragments, 2105).unwrap();
        assert_eq!((cut.places.len(), cut.starts.len(), cut.end, cut.is_cut), (2, 2, 20, true));
    }

    #[test]
    fn forged_counts_are_refused_at_once() {
        let many = u32::MAX;
        for (size, run) in [
            (3, full(*b"trun", 1, &[many, 100])),
            (0, full(*b"trun", 1, &[many, 100])),
            (3, full(*b"trun", 0x201, &[many, 100, 3, 3])),
            (3, full(*b"trun", 1, &[1, 1 << 31])),
            (3, full(*b"trun", 0x101, &[1])),
        ] {
            let fragment = [full(*b"tfhd", 0x10, &[2, size]), run].concat();
            let Malformed(reason) = samples(&[(1000, fragment)], 5000).err().unwrap();
            assert!(reason.contains("fragment 1"), "{reason}");
        }
        let late = [full(*b"tfhd", 0, &[2]), full(*b"tfdt", 1 << 24, &[many, many]), full(*b"trun", 0, &[1])];
        assert!(samples(&[(1000, late.concat())], 5000).is_err());
    }
}
