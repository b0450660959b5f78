//! Coded frames into an MP4 in fragments: an index without samples, then, over and over, what is said of some samples
//! (`moof`) and these (`mdat`).

use mp4_atom::{
    Atom, Encode, Header, Mdat, Mfhd, Moof, Mvex, Stbl, Stco, Tfdt, Tfhd, Traf, Trex, Trun, TrunEntry,
    TrunSamples,
};

use super::mux::{SampleEntry, TRACK, clock, description, file_type, movie};
use crate::{
    ClipShape, Error, Format, Result,
    h264::{Coder, Sample},
};

/// Of a sample that depends on no other, and of any other sample (ISO/IEC 14496-12, 8.8.3.1).
const SYNC_FLAGS: u32 = 0x0200_0000;
const OTHER_FLAGS: u32 = 0x0101_0000;

/// Makes fragments of a second each, or of a frame if that is longer.
pub(crate) struct FragmentWriter {
    shape: ClipShape,
    comment: Option<String>,
    coder: Coder,
    /// Coded and not yet in a fragment.
    waiting: Vec<Sample>,
    fragments: u32,
    /// In fragments.
    frames: u64,
}

impl FragmentWriter {
    pub fn new(shape: ClipShape, comment: Option<String>) -> Result<Self> {
        let coder = Coder::new(shape)?;
        Ok(Self { shape, comment, coder, waiting: Vec::new(), fragments: 0, frames: 0 })
    }

    /// Codes the next frame. Gives what is to be written now, if a fragment is full.
    pub fn push(&mut self, frame: &[u8]) -> Result<Option<Vec<u8>>> {
        self.waiting.push(self.coder.encode(frame)?);
        let full = (self.shape.fps.round() as usize).max(1);
        (self.waiting.len() >= full).then(|| self.flush()).transpose()
    }

    /// A fragment of all frames that wait, of which there is one at least, behind what begins the file if it is the
    /// first.
    pub fn flush(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if self.fragments == 0 {
            self.begin(&mut bytes).map_err(Error::encoder::<mp4_atom::Error>(Format::Mp4))?;
        }
        self.fragments += 1;
        self.fragment(&mut bytes).map_err(Error::encoder::<mp4_atom::Error>(Format::Mp4))?;
        self.frames += self.waiting.len() as u64;
        for sample in self.waiting.drain(..) {
            bytes.extend(sample.data);
        }
        Ok(bytes)
    }

    /// Whether frames wait.
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// `ftyp` and `moov`.
    fn begin(&self, bytes: &mut Vec<u8>) -> mp4_atom::Result<()> {
        let (_, frame_ticks) = clock(self.shape.fps);
        let table = Stbl {
            stsd: description(self.shape, &self.coder.parameter_sets)?,
            stco: Some(Stco::default()),
            ..Stbl::default()
        };
        let defaults = Trex {
            track_id: TRACK,
            default_sample_description_index: 1,
            default_sample_duration: frame_ticks,
            ..Trex::default()
        };
        let fragments = Mvex { mehd: None, trex: vec![defaults] };
        // How long it will be is not known.
        let endless = ClipShape { num_frames: 0, ..self.shape };
        file_type(b"iso5").encode(bytes)?;
        movie(endless, table, Some(fragments), self.comment.as_deref()).encode(bytes)
    }

    /// `moof` and the header of `mdat`.
    fn fragment(&self, bytes: &mut Vec<u8>) -> mp4_atom::Result<()> {
        let (_, frame_ticks) = clock(self.shape.fps);
        let entries = || self.waiting.iter().map(SampleEntry::from);
        let samples: Vec<TrunEntry> = entries()
            .map(|SampleEntry { size, is_sync }| TrunEntry {
                size: Some(size),
                flags: Some(if is_sync { SYNC_FLAGS } else { OTHER_FLAGS }),
                ..TrunEntry::default()
            })
            .collect();
        let size = entries().map(|sample| sample.size as usize).sum();
        let encode = |data_offset: i32| -> mp4_atom::Result<Vec<u8>> {
            let mut head = Vec::new();
            let run =
                Trun { data_offset: Some(data_offset), samples: TrunSamples::Explicit(samples.clone()) };
            let track = Traf {
                tfhd: Tfhd { track_id: TRACK, default_base_is_moof: true, ..Tfhd::default() },
                tfdt: Some(Tfdt { base_media_decode_time: self.frames * u64::from(frame_ticks) }),
                trun: vec![run],
                ..Traf::default()
            };
            Moof { mfhd: Mfhd { sequence_number: self.fragments }, traf: vec![track] }.encode(&mut head)?;
            Header { kind: Mdat::KIND, size: Some(size) }.encode(&mut head)?;
            Ok(head)
        };
        // As in `mux`: the length does not depend on the value.
        let data_offset = encode(0)?.len() as i32;
        bytes.extend(encode(data_offset)?);
        Ok(())
    }
}
