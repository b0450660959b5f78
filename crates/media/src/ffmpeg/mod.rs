//! Clips through an `ffmpeg` that is installed beside this program: codecs and containers that are not read here.
//!
//! It is called twice, so that nothing is kept before its size is known: once for the times of all frames (the muxer
//! `framecrc`, a line of text for each), once for their pixels. It turns frames upright and makes pixels square.

mod process;

use std::{ffi::OsString, io::Read, path::Path};

use process::Process;

use crate::{
    Clip, Error, Result,
    error::Malformed,
    fit::{self, Wanted},
    read::Contents,
    schedule::{MAX_UNEVEN_FRAMES, Schedule},
};

/// The program's name, looked for on the PATH.
pub(crate) const PROGRAM: &str = "ffmpeg";

/// Frames as wide as they are to be seen, whatever the shape of a pixel.
const SQUARE_PIXELS: &str = "scale=iw*sar:ih,setsar=1";

/// The first track of pictures that is not the cover of a record.
const FIRST_CLIP: &str = "0:V:0";

/// The clock that ffmpeg is asked to tell times by: all usual rates, 24000/1001 among them, are whole in it.
const TICKS_PER_SECOND: u32 = 705_600_000;

/// The longest line of text that is read of it.
const MAX_LINE: u64 = 4096;

/// A file that is read through ffmpeg.
pub(crate) struct Source<'a> {
    /// ffmpeg.
    pub program: &'a Path,
    /// The file.
    pub path: &'a Path,
    /// What ffmpeg calls its container.
    pub demuxer: &'static str,
    /// What was found in it, for errors.
    pub found: String,
}

/// What a first look tells.
struct Frames {
    width: usize,
    height: usize,
    /// In ticks, in order.
    starts: Vec<i64>,
    /// Whether the file ends before it says so.
    is_cut_short: bool,
}

impl Source<'_> {
    /// Every frame.
    pub fn read(&self, wanted: Option<Wanted>) -> Result<Clip> {
        let Frames { width, height, starts, .. } = self.look()?;
        let schedule = self.schedule(&starts)?;
        let mut frames = fit::Frames::new(wanted);
        let (wide, high) = frames.size((width, height));
        schedule.check_memory(wide, high).map_err(|reason| self.failed(reason.0))?;
        let frame_bytes = width * height * 3;
        // A frame after the other, at a rate that makes ffmpeg neither repeat nor drop any.
        let filter = format!("{SQUARE_PIXELS},settb=1/25,setpts=N");
        let mut ffmpeg = self.start(&["-vf", &filter, "-r", "25", "-pix_fmt", "rgb24", "-f", "rawvideo"])?;
        let mut frame = vec![0; frame_bytes];
        for index in 0..starts.len() {
            if let Err(error) = ffmpeg.stdout().read_exact(&mut frame) {
                let reason = format!("expected {} frames, found {index}: {error}", starts.len());
                return Err(self.failed(ffmpeg.last_words().unwrap_or(reason)));
            }
            let pushed = frames.push(&frame, (width, height), schedule.shows(index));
            pushed.map_err(|reason| self.failed(reason.0))?;
        }
        let more = ffmpeg.stdout().read(&mut [0]).map_err(|error| self.failed(error.to_string()))?;
        if more > 0 {
            return Err(self.failed(format!("expected {} frames, found more", starts.len())));
        }
        self.finish(ffmpeg)?;
        frames.clip(schedule.fps).map_err(|error| self.failed(error.to_string()))
    }

    /// What [`read`](Self::read) would give. It takes decoding.
    pub fn summary(&self) -> Result<Contents> {
        let Frames { width, height, starts, is_cut_short } = self.look()?;
        let schedule = self.schedule(&starts)?;
        schedule.shape(width, height).check().map_err(|error| self.failed(error.to_string()))?;
        Ok(Contents { is_cut_short, ..Contents::new(&schedule, (width, height)) })
    }

    fn schedule(&self, starts: &[i64]) -> Result<Schedule> {
        schedule(starts).map_err(|Malformed(reason)| self.failed(reason))
    }

    /// The size and the times of all frames.
    fn look(&self) -> Result<Frames> {
        let clock = format!("1:{TICKS_PER_SECOND}");
        let options = ["-vf", SQUARE_PIXELS, "-enc_time_base", &clock, "-c:v", "rawvideo", "-f", "framecrc"];
        let mut ffmpeg = self.start(&options)?;
        let (mut size, mut starts) = (None, Vec::new());
        loop {
            let mut line = Vec::new();
            let read =
                ffmpeg.read_line(&mut line, MAX_LINE).map_err(|error| self.failed(error.to_string()))?;
            if read == 0 {
                break;
            }
            let line = String::from_utf8_lossy(&line);
            let unclear = || self.failed(format!("it said `{}`", line.trim_end().escape_debug()));
            if let Some(found) = line.strip_prefix("#dimensions 0:") {
                size = Some(dimensions(found).ok_or_else(unclear)?);
            } else if let Some(clock) = line.strip_prefix("#tb 0:") {
                let (one, ticks) = clock.trim().split_once('/').ok_or_else(unclear)?;
                if (one, ticks) != ("1", TICKS_PER_SECOND.to_string().as_str()) {
                    return Err(unclear());
                }
            } else if !line.starts_with('#') {
                // Stream, time of decoding, time of showing, …
                let start = line.split(',').nth(2).and_then(|field| field.trim().parse().ok());
                starts.push(start.ok_or_else(unclear)?);
                if starts.len() > MAX_UNEVEN_FRAMES {
                    return Err(self.failed(format!("more than {MAX_UNEVEN_FRAMES} frames")));
                }
            }
        }
        let words = self.finish(ffmpeg)?;
        let is_cut_short = words.is_some_and(|words| words.contains("ended prematurely"));
        starts.sort_unstable();
        match size {
            Some((width, height)) if !starts.is_empty() => Ok(Frames { width, height, starts, is_cut_short }),
            _ => Err(self.failed("no frame could be decoded".into())),
        }
    }

    /// Starts ffmpeg on the file's first track of pictures, its output on a pipe.
    fn start(&self, output: &[&str]) -> Result<Process> {
        // Whole, so that a name can be neither an option nor a protocol.
        let path = std::fs::canonicalize(self.path).map_err(disk::unreadable(self.path))?;
        let mut input = OsString::from("file:");
        input.push(path);
        let max_pixels = (Clip::MAX_BYTES / 3).to_string();
        let mut arguments: Vec<OsString> =
            ["-hide_banner", "-nostdin", "-loglevel", "error", "-xerror", "-protocol_whitelist", "file"]
                .iter()
                .chain(&["-max_pixels", max_pixels.as_str(), "-f", self.demuxer, "-i"])
                .map(OsString::from)
                .collect();
        arguments.push(input);
        arguments.extend(["-map", FIRST_CLIP].iter().chain(output).chain(&["pipe:1"]).map(OsString::from));
        Process::start(self.program, &arguments).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error::NeedsFfmpeg { path: self.path.into(), found: self.found.clone() }
            }
            _ => self.failed(format!("it cannot be started: {error}")),
        })
    }

    fn finish(&self, ffmpeg: Process) -> Result<Option<String>> {
        ffmpeg.finish().map_err(|reason| self.failed(reason))
    }

    fn failed(&self, mut reason: String) -> Error {
        if reason.contains(FIRST_CLIP) {
            reason = "it has no pictures, perhaps only sound".into();
        }
        Error::Ffmpeg { path: self.path.into(), found: self.found.clone(), reason }
    }
}

fn schedule(starts: &[i64]) -> std::result::Result<Schedule, Malformed> {
    if let [_] = starts {
        return Ok(Schedule::steady(1, 1.0));
    }
    let schedule = Schedule::new(starts, 0, TICKS_PER_SECOND.into(), None)?;
    Ok(match schedule.rate_varies {
        true => schedule,
        false => Schedule::steady(starts.len(), usual_rate(schedule.fps, starts.len())),
    })
}

/// The rate that cameras have, whole or of NTSC (24000/1001 …), if the container's clock of thousandths of a second may
/// have made the measured one of it.
fn usual_rate(measured: f64, num_frames: usize) -> f64 {
    const TICK: f64 = 1e-3;
    let (whole, ntsc) = (measured.round().max(1.0), (measured * 1.001).round().max(1.0) / 1.001);
    let usual = if (whole - measured).abs() <= (ntsc - measured).abs() { whole } else { ntsc };
    let end = |fps: f64| (num_frames - 1) as f64 / fps;
    if (end(usual) - end(measured)).abs() <= TICK { usual } else { measured }
}

/// Of `640x360`.
fn dimensions(text: &str) -> Option<(usize, usize)> {
    let (width, height) = text.trim().split_once('x')?;
    let side = |text: &str| text.parse().ok().filter(|&side| side > 0);
    Some((side(width)?, side(height)?))
}

#[cfg(all(test, unix))]
mod tests;
