//! Frames to and from H.264, by openh264.

use openh264::{
    OpenH264API,
    decoder::{Decoder, DecoderConfig, Flush},
    encoder::{
        BitRate, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile, QpRange,
        RateControlMode, VuiConfig,
    },
    formats::{YUVBuffer, YUVSource},
};

use crate::{
    ClipShape, Error, Format, Result,
    colour::{self, Planes},
    error::Malformed,
};

/// The quantiser of every block, 0 to 51; at 18 the coding is hard to see. With no room to vary it,
/// the encoder's rate control has nothing to control, and each picture gets the bits it needs.
const QP: u8 = 18;
/// That of small pictures, which are looked at enlarged, and take little room all the same: the finest that openh264 has.
const QP_OF_SMALL: u8 = 12;
/// The most pixels of a small picture.
const SMALL: usize = 320 * 320;
/// That of a clip from the first picture on that would take more room than it does uncoded, for which openh264 has none: mere noise.
const QP_OF_NOISE: u8 = 26;

/// Only the level written into the stream follows from this; see [`QP`].
const NOMINAL_BITS_PER_PIXEL: f64 = 2.0;

/// Seconds between pictures that can be decoded on their own, where a player can start. What stands still is a little other in each
/// of them, which is seen as a flash; a few seconds of such small pictures are decoded at once.
const KEYFRAME_SECONDS: f64 = 10.0;

/// The rates that the encoder accepts as a hint; true timing is in the container.
const ENCODER_FPS: (f64, f64) = (1.0, 60.0);

const NAL_SPS: u8 = 7;
const NAL_PPS: u8 = 8;

/// What separates NAL units in a bare stream. In MP4 each has its length before it instead.
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// What a decoder must know of all frames; empty until the first one is coded.
#[derive(Default)]
pub(crate) struct ParameterSets {
    /// Sequence parameter set, without a start code.
    pub sps: Vec<u8>,
    /// Picture parameter set, without a start code.
    pub pps: Vec<u8>,
}

/// One coded frame; frames are coded in the order in which they are shown.
pub(crate) struct Sample {
    /// NAL units, each after its length in 4 bytes.
    pub data: Vec<u8>,
    /// Whether a player can start here.
    pub is_sync: bool,
}

/// Constrained baseline, one slice, one thread: the same bytes on every machine with the same
/// openh264.
pub(crate) struct Coder {
    encoder: Encoder,
    qp: u8,
    shape: ClipShape,
    pub parameter_sets: ParameterSets,
}

impl Coder {
    pub fn new(shape: ClipShape) -> Result<Self> {
        let qp = if shape.width * shape.height <= SMALL { QP_OF_SMALL } else { QP };
        let encoder = encoder(shape, qp)?;
        Ok(Self { encoder, qp, shape, parameter_sets: ParameterSets::default() })
    }

    /// Codes the next frame, `[height, width, 3]`.
    pub fn encode(&mut self, frame: &[u8]) -> Result<Sample> {
        let ClipShape { width, height, .. } = self.shape;
        let planes = colour::to_yuv420(frame, width, height, colour::BT709);
        let picture = YUVBuffer::from_vec(planes, width, height);
        let coded = self.encode_planes(&picture);
        if coded.is_ok() || self.qp == QP_OF_NOISE {
            return coded;
        }
        self.qp = QP_OF_NOISE;
        self.encoder = encoder(self.shape, self.qp)?;
        self.encode_planes(&picture)
    }

    fn encode_planes(&mut self, picture: &YUVBuffer) -> Result<Sample> {
        let failed = |reason: &str| Error::Encoder { format: Format::Mp4, reason: reason.into() };
        let coded = self.encoder.encode(picture).map_err(Error::encoder(Format::Mp4))?;
        let is_sync = coded.frame_type() == FrameType::IDR;
        let mut data = Vec::new();
        for layer in (0..coded.num_layers()).filter_map(|index| coded.layer(index)) {
            for nal in (0..layer.nal_count()).filter_map(|index| layer.nal_unit(index)) {
                let nal = without_start_code(nal);
                match nal.first().map(|header| header & 0x1f) {
                    Some(NAL_SPS) => self.parameter_sets.sps = nal.to_vec(),
                    Some(NAL_PPS) => self.parameter_sets.pps = nal.to_vec(),
                    Some(_) => {
                        data.extend((nal.len() as u32).to_be_bytes());
                        data.extend(nal);
                    }
                    None => {}
                }
            }
        }
        if data.is_empty() {
            return Err(failed("a frame was dropped"));
        }
        if self.parameter_sets.sps.is_empty() || self.parameter_sets.pps.is_empty() {
            return Err(failed("no parameter sets were made"));
        }
        Ok(Sample { data, is_sync })
    }
}

fn encoder(shape: ClipShape, qp: u8) -> Result<Encoder> {
    let encoder = Encoder::with_api_config(OpenH264API::from_source(), config(shape, qp));
    encoder.map_err(Error::encoder(Format::Mp4))
}

fn config(shape: ClipShape, qp: u8) -> EncoderConfig {
    let pixels_per_second = (shape.width * shape.height) as f64 * shape.fps;
    let fps = shape.fps.clamp(ENCODER_FPS.0, ENCODER_FPS.1);
    EncoderConfig::new()
        .profile(Profile::Baseline)
        .rate_control_mode(RateControlMode::Bufferbased)
        .qp(QpRange::new(qp, qp))
        .skip_frames(false)
        .adaptive_quantization(false)
        .background_detection(false)
        .scene_change_detect(false)
        .bitrate(BitRate::from_bps((pixels_per_second * NOMINAL_BITS_PER_PIXEL).clamp(1e4, 1e8) as u32))
        .max_frame_rate(FrameRate::from_hz(fps as f32))
        .intra_frame_period(IntraFramePeriod::from_num_frames((fps * KEYFRAME_SECONDS).ceil() as u32))
        .num_threads(1)
        .vui(VuiConfig::bt709())
}

fn without_start_code(nal: &[u8]) -> &[u8] {
    let zeros = nal.iter().take_while(|&&byte| byte == 0).count();
    match nal.get(zeros) {
        Some(1) if zeros >= 2 => &nal[zeros + 1..],
        _ => nal,
    }
}

/// Decodes samples, each of NAL units behind lengths of `length_bytes` bytes, and calls
/// `on_frame(width, height, planes)` for each picture in order of display.
pub(crate) fn decode<'a>(
    parameter_sets: impl Iterator<Item = &'a [u8]>,
    samples: impl Iterator<Item = &'a [u8]>,
    length_bytes: usize,
    mut on_frame: impl FnMut(usize, usize, &Planes<'_>) -> std::result::Result<(), Malformed>,
) -> std::result::Result<(), Malformed> {
    let mut emit = |picture: &dyn YUVSource| {
        let (width, height) = picture.dimensions();
        let (stride, chroma_stride, _) = picture.strides();
        let planes = Planes { y: picture.y(), cb: picture.u(), cr: picture.v(), stride, chroma_stride };
        on_frame(width, height, &planes)
    };
    // Flushing after each sample would show pictures in the order of coding, not of display.
    let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
    let mut decoder = Decoder::with_api_config(OpenH264API::from_source(), config)?;
    let mut headers = Vec::new();
    for parameter_set in parameter_sets {
        headers.extend(START_CODE);
        headers.extend(parameter_set);
    }
    if !headers.is_empty() {
        decoder.decode(&headers)?;
    }
    for (index, sample) in samples.enumerate() {
        let sample = with_start_codes(sample, length_bytes).ok_or_else(|| {
            Malformed::new(format!("sample {index}: the lengths of its parts do not add up"))
        })?;
        let picture =
            decoder.decode(&sample).map_err(|error| Malformed::new(format!("sample {index}: {error}")))?;
        if let Some(picture) = picture {
            emit(&picture)?;
        }
    }
    for picture in decoder.flush_remaining()? {
        emit(&picture)?;
    }
    Ok(())
}

/// `None` if a length reaches past the end, or the sample is empty.
fn with_start_codes(mut sample: &[u8], length_bytes: usize) -> Option<Vec<u8>> {
    let mut stream = Vec::with_capacity(sample.len());
    while !sample.is_empty() {
        let (length, rest) = sample.split_at_checked(length_bytes)?;
        let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        let (nal, rest) = rest.split_at_checked(length)?;
        stream.extend(START_CODE);
        stream.extend(nal);
        sample = rest;
    }
    (!stream.is_empty()).then_some(stream)
}
