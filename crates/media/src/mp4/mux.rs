//! A coded clip into MP4 boxes.

use mp4_atom::{
    Atom, Avc1, Avcc, Codec, Colr, Dinf, Dref, Encode, FourCC, Ftyp, Hdlr, Header, Mdat, Mdhd, Mdia, Minf,
    Moov, Mvex, Mvhd, Stbl, Stco, Stsc, StscEntry, Stsd, Stss, Stsz, StszSamples, Stts, SttsEntry, Tkhd,
    Trak, Url, Visual, Vmhd,
};

use super::boxes;
use crate::{
    ClipShape, Error, Format, Result, colour,
    h264::{ParameterSets, Sample},
};

pub(super) const TRACK: u32 = 1;

/// Clock ticks in the numerator of the frame rate: players expect a clock much finer than a frame.
const TICKS: u32 = 1000;

/// What the index says of a coded frame.
pub(super) struct SampleEntry {
    /// Bytes.
    pub size: u32,
    /// Whether a player can start here.
    pub is_sync: bool,
}

impl From<&Sample> for SampleEntry {
    fn from(sample: &Sample) -> Self {
        Self { size: sample.data.len() as u32, is_sync: sample.is_sync }
    }
}

/// `ftyp`, `moov` and the header of `mdat`; the samples follow in their order.
pub(super) fn head(
    shape: ClipShape,
    parameter_sets: &ParameterSets,
    samples: &[SampleEntry],
    comment: Option<&str>,
) -> Result<Vec<u8>> {
    let encode = |chunk_offset: u32| -> Result<Vec<u8>> {
        let mut head = Vec::new();
        let failed = Error::encoder::<mp4_atom::Error>(Format::Mp4);
        file_type(b"iso2").encode(&mut head).map_err(&failed)?;
        let (_, frame_ticks) = clock(shape.fps);
        let movie = sample_table(shape, parameter_sets, samples, frame_ticks, chunk_offset)
            .map(|table| movie(shape, table, None, comment))
            .map_err(&failed)?;
        movie.encode(&mut head).map_err(&failed)?;
        let size = Some(samples.iter().map(|sample| sample.size as usize).sum());
        Header { kind: Mdat::KIND, size }.encode(&mut head).map_err(&failed)?;
        Ok(head)
    };
    // Where the pictures start depends on the length of what says where they start, which does not
    // depend on the value: measure once, then write.
    let chunk_offset = encode(0)?.len() as u32;
    encode(chunk_offset)
}

/// `version`: of the boxes that are used.
pub(super) fn file_type(version: &[u8; 4]) -> Ftyp {
    let brand = |name: &[u8; 4]| FourCC::new(name);
    Ftyp {
        major_brand: brand(b"isom"),
        minor_version: 512,
        compatible_brands: vec![brand(b"isom"), brand(version), brand(b"avc1"), brand(b"mp41")],
    }
}

/// The index. `fragments`: what is said for those that follow it, if any do.
pub(super) fn movie(shape: ClipShape, table: Stbl, fragments: Option<Mvex>, comment: Option<&str>) -> Moov {
    let (timescale, frame_ticks) = clock(shape.fps);
    let duration = shape.num_frames as u64 * u64::from(frame_ticks);
    let track = Trak {
        tkhd: Tkhd {
            track_id: TRACK,
            duration,
            enabled: true,
            in_movie: true,
            width: (shape.width as u16).into(),
            height: (shape.height as u16).into(),
            ..Tkhd::default()
        },
        mdia: Mdia {
            mdhd: Mdhd { timescale, duration, language: "und".into(), ..Mdhd::default() },
            hdlr: Hdlr { handler: FourCC::new(b"vide"), name: "Video".into() },
            minf: Minf {
                vmhd: Some(Vmhd::default()),
                dinf: Dinf { dref: Dref { entries: vec![Url::default().into()] } },
                stbl: table,
                ..Minf::default()
            },
        },
        ..Trak::default()
    };
    // Creation times stay 0: the same clip is the same file, whenever it is written.
    Moov {
        mvhd: Mvhd {
            timescale,
            duration,
            rate: 1.into(),
            volume: 1.into(),
            next_track_id: TRACK + 1,
            ..Mvhd::default()
        },
        trak: vec![track],
        mvex: fragments,
        udta: comment.map(boxes::user_data),
        ..Moov::default()
    }
}

fn sample_table(
    shape: ClipShape,
    parameter_sets: &ParameterSets,
    samples: &[SampleEntry],
    frame_ticks: u32,
    chunk_offset: u32,
) -> mp4_atom::Result<Stbl> {
    let count = samples.len() as u32;
    let sync = (1..).zip(samples).filter(|(_, sample)| sample.is_sync).map(|(number, _)| number);
    Ok(Stbl {
        stsd: description(shape, parameter_sets)?,
        stts: Stts { entries: vec![SttsEntry { sample_count: count, sample_delta: frame_ticks }] },
        stss: Some(Stss { entries: sync.collect() }),
        stsc: Stsc {
            entries: vec![StscEntry {
                first_chunk: 1,
                samples_per_chunk: count,
                sample_description_index: 1,
            }],
        },
        stsz: Stsz {
            samples: StszSamples::Different { sizes: samples.iter().map(|sample| sample.size).collect() },
        },
        stco: Some(Stco { entries: vec![chunk_offset] }),
        ..Stbl::default()
    })
}

/// What the pictures are.
pub(super) fn description(shape: ClipShape, parameter_sets: &ParameterSets) -> mp4_atom::Result<Stsd> {
    let picture = Avc1 {
        visual: Visual {
            data_reference_index: 1,
            width: shape.width as u16,
            height: shape.height as u16,
            ..Visual::default()
        },
        avcc: Avcc::new(&parameter_sets.sps, &parameter_sets.pps)?,
        colr: Some(Colr::new(colour::BT709_CODE, colour::BT709_CODE, colour::BT709_CODE, false)?),
        ..Avc1::default()
    };
    Ok(Stsd { codecs: vec![Codec::Avc1(picture)] })
}

/// (ticks per second, ticks per frame). Whole rates and those of NTSC (24000/1001 …) are exact, any
/// other to a thousandth of a frame per second.
pub(super) fn clock(fps: f64) -> (u32, u32) {
    let exact = |&parts: &u32| {
        let scaled = fps * f64::from(parts);
        scaled >= 1.0 && (scaled - scaled.round()).abs() < 1e-6 * scaled
    };
    let parts = [1, 1001].into_iter().find(exact).unwrap_or(1000);
    ((fps * f64::from(parts)).round() as u32 * TICKS, parts * TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_where_they_can_be() {
        assert_eq!(clock(8.0), (8000, 1000));
        assert_eq!(clock(24000.0 / 1001.0), (24_000_000, 1_001_000));
        assert_eq!(clock(29.97), (29_970_000, 1_000_000));
        assert_eq!(clock(12.5), (12_500_000, 1_000_000));
        assert_eq!(clock(0.01), (10_000, 1_000_000));
        assert_eq!(clock(1000.0), (1_000_000, 1000));
    }
}
