//! Pictures that a video contains, or is made of.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use media::{Clip, ClipShape, Fit};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{Result, Size, cache};

/// A still or a clip, and where it is in the video.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// PNG, JPEG, WebP, GIF or MP4.
    #[serde(serialize_with = "lossy")]
    pub file: PathBuf,
    /// The pictures themselves, of programs that have them in memory: `file` is then but their name.
    #[serde(skip)]
    pub clip: Option<Arc<Clip>>,
    /// Where it begins.
    #[serde(default)]
    pub at: At,
    /// The part of a clip that counts, in seconds: from here on,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub from: f64,
    /// and up to here; up to its end if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// How much of it is made anew, from 0 to 1: at 0 it stays as it is, at 1 nothing of it is left but its length.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub strength: f64,
    /// Where it is made anew; everywhere if not given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
    /// How it is brought to the size of the video.
    #[serde(default)]
    pub fit: Fit,
    /// Whether only how it moves counts: it is seen in grey, and only where it differs from what stands still in it; all else
    /// is made anew, and of that as much as `strength` says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub motion_only: bool,
    /// Whether only the frames that a clip has are known, and those between them at the video's rate are made. Otherwise each
    /// frame of the video is the nearest one of the clip.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fill_between: bool,
}

/// A place in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum At {
    /// So many seconds after the beginning.
    Seconds(f64),
    /// See [`Edge`].
    Edge(Edge),
}

/// A place that has no number before the length of the video is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// Such that it ends with the video.
    End,
}

impl Default for At {
    fn default() -> Self {
        Self::Seconds(0.0)
    }
}

impl Known {
    /// All of a file, from the beginning of the video on, as it is.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            clip: None,
            at: At::default(),
            from: 0.0,
            to: None,
            strength: 0.0,
            regions: Vec::new(),
            fit: Fit::default(),
            motion_only: false,
            fill_between: false,
        }
    }

    /// The size, length and rate of its pictures, and whether that rate varies in the file.
    pub(crate) fn shape(&self) -> Result<(ClipShape, bool)> {
        match &self.clip {
            Some(clip) => Ok((clip.shape(), false)),
            None => media::summary(&self.file).map(|it| (it.shape, it.rate_varies)).map_err(Into::into),
        }
    }

    /// Its pictures in the video's size.
    pub(crate) fn read(&self, Size { width, height }: Size) -> Result<Clip> {
        match &self.clip {
            Some(clip) => Ok(clip.fit(width, height, self.fit)?),
            None => Ok(media::read_fitted(&self.file, width, height, self.fit)?),
        }
    }

    /// What tells its pictures from others.
    pub(crate) fn sha256(&self) -> Result<String> {
        match &self.clip {
            Some(clip) => Ok(format!("{:x}", Sha256::digest(clip.as_bytes()))),
            None => Ok(cache::sha256(&self.file).map_err(disk::unreadable(&self.file))?),
        }
    }

    /// Those of its regions that are there at a time of a video of so many seconds, as [`Region::at`] gives them.
    pub(crate) fn regions_at(&self, time: f64, seconds: f64) -> Vec<[f64; 4]> {
        self.regions.iter().filter_map(|region| region.at(time, seconds)).collect()
    }

    /// Whether it stays as it is.
    pub fn stays(&self) -> bool {
        self.strength == 0.0
    }
}

/// A rectangle of the video, in pixels, which may move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its left edge, in pixels from the left.
    pub x: f64,
    /// Its upper edge, in pixels from above.
    pub y: f64,
    /// In pixels.
    pub width: f64,
    /// In pixels.
    pub height: f64,
    /// From when on, in seconds of the video.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub from: f64,
    /// Until when; until the end if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// Its `[x, y]` at the end of that time, towards which it moves evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves_to: Option<[f64; 2]>,
}

impl Region {
    /// Where it is at a time of a video of so many seconds: `[left, upper, right, lower]` in pixels; none if it is not there
    /// then.
    pub fn at(&self, time: f64, seconds: f64) -> Option<[f64; 4]> {
        let to = self.to.unwrap_or(seconds);
        if time < self.from || time > to {
            return None;
        }
        let share = ((time - self.from) / (to - self.from).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        let [x, y] = self.moves_to.map_or([self.x, self.y], |[x, y]| {
            [self.x + (x - self.x) * share, self.y + (y - self.y) * share]
        });
        Some([x, y, x + self.width, y + self.height])
    }
}

/// A text that is no [`Region`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected X,Y,WIDTH,HEIGHT in pixels, with >X,Y behind it for where it moves and @FROM-TO for when, in seconds, such as \
     16,32,48,48 or 16,32,48,48>60,32@0.5-1.5; found '{0}'"
)]
pub struct ParseRegionError(String);

impl FromStr for Region {
    type Err = ParseRegionError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseRegionError> {
        parse_region(text).ok_or_else(|| ParseRegionError(text.to_owned()))
    }
}

fn parse_region(text: &str) -> Option<Region> {
    let (place, time) = text.split_once('@').map_or((text, None), |(place, time)| (place, Some(time)));
    let (from, to) = match time {
        Some(time) => {
            let (from, to) = time.split_once('-')?;
            (from.parse().ok()?, Some(to.parse().ok()?))
        }
        None => (0.0, None),
    };
    let (start, end) = place.split_once('>').map_or((place, None), |(start, end)| (start, Some(end)));
    let numbers =
        |text: &str| text.split(',').map(|number| number.trim().parse().ok()).collect::<Option<Vec<f64>>>();
    let [x, y, width, height] = numbers(start)?[..] else { return None };
    let moves_to = match end {
        Some(end) => Some(<[f64; 2]>::try_from(numbers(end)?).ok()?),
        None => None,
    };
    Some(Region { x, y, width, height, from, to, moves_to })
}

/// A prompt for a part of the video.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// From when on, in seconds.
    pub from: f64,
    /// Until when, in seconds.
    pub to: f64,
    /// What is seen then.
    pub prompt: String,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// A path as JSON can hold it: what is not UTF-8 is replaced.
pub(crate) fn lossy<S: Serializer>(path: &Path, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    path.to_string_lossy().serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_read_from_json() {
        let known: Known =
            serde_json::from_str(r#"{"file": "a.png", "at": "end", "fit": "contain"}"#).unwrap();
        assert_eq!(known, Known { at: At::Edge(Edge::End), fit: Fit::Contain, ..Known::new("a.png") });
        assert!(known.stays());
        let known: Known = serde_json::from_str(r#"{"file": "a.mp4", "at": 1.5, "strength": 0.5}"#).unwrap();
        assert_eq!((known.at, known.stays()), (At::Seconds(1.5), false));
        assert_eq!(
            serde_json::to_string(&Known::new("a.png")).unwrap(),
            r#"{"file":"a.png","at":0.0,"fit":"cover"}"#
        );
        assert!(serde_json::from_str::<Known>(r#"{"file": "a", "stregth": 1}"#).is_err());
    }

    #[test]
    fn a_region_is_read_from_words() {
        let region: Region = "16,32,48,40".parse().unwrap();
        assert_eq!((region.x, region.height, region.to, region.moves_to), (16.0, 40.0, None, None));
        let region: Region = "16,32,48,40>60,32.5@0.5-1.5".parse().unwrap();
        assert_eq!((region.from, region.to, region.moves_to), (0.5, Some(1.5), Some([60.0, 32.5])));
        for text in ["", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,3,4@1", "1,2,3,4>5", "1,2,3,4@a-b"] {
            let message = text.parse::<Region>().unwrap_err().to_string();
            assert!(message.contains("X,Y,WIDTH,HEIGHT"), "{message}");
        }
    }

    #[test]
    fn a_region_moves_evenly() {
        let region = Region {
            x: 8.0,
            y: 4.0,
            width: 10.0,
            height: 20.0,
            from: 1.0,
            to: Some(3.0),
            moves_to: Some([28.0, 4.0]),
        };
        assert_eq!(region.at(0.9, 5.0), None);
        assert_eq!(region.at(1.0, 5.0), Some([8.0, 4.0, 18.0, 24.0]));
        assert_eq!(region.at(2.0, 5.0), Some([18.0, 4.0, 28.0, 24.0]));
        assert_eq!(region.at(3.1, 5.0), None);
        let still = Region { to: None, moves_to: None, ..region };
        assert_eq!(still.at(5.0, 5.0), Some([8.0, 4.0, 18.0, 24.0]));
    }
}
