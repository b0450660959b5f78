//! How the camera moves, and when: words for people to write, and for models to read.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use world::{CameraMove, Language, camera_words, is_chinese};

/// Moves of the camera, one behind the other: `pan left; zoom in`, or with times in seconds, `pan left @0-1.5; zoom in @2-4`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Camera {
    text: String,
    moves: Vec<(CameraMove, Option<[f64; 2]>)>,
}

/// A text that is no [`Camera`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected moves such as 'pan left; zoom in', each with or without its seconds ('pan left @0-1.5'), of {MOVES}; found '{0}'"
)]
pub struct ParseCameraError(String);

const MOVES: &str = "pan left, pan right, zoom in, zoom out, orbit left, orbit right and still";

impl Camera {
    /// The move at a time of a video of so many seconds, if there is one then. Moves without times share the video evenly.
    pub fn at(&self, time: f64, seconds: f64) -> Option<CameraMove> {
        let count = self.moves.len() as f64;
        let during = |&(index, &(_, times)): &(usize, &(CameraMove, Option<[f64; 2]>))| {
            let even = [index as f64 * seconds / count, (index + 1) as f64 * seconds / count];
            let [from, to] = times.unwrap_or(even);
            time >= from && time < to
        };
        self.moves.iter().enumerate().find(during).map(|(_, (camera, _))| *camera)
    }

    /// The times at which one begins or ends.
    pub fn times(&self, seconds: f64) -> Vec<f64> {
        let count = self.moves.len() as f64;
        let of = |(index, (_, times)): (usize, &(CameraMove, Option<[f64; 2]>))| {
            times.unwrap_or([index as f64 * seconds / count, (index + 1) as f64 * seconds / count])
        };
        self.moves.iter().enumerate().flat_map(of).collect()
    }
}

/// A prompt with what the camera does, in the language of the prompt.
pub(crate) fn with_camera(prompt: &str, camera: CameraMove) -> String {
    match is_chinese(prompt) {
        true => format!("{prompt}，{}", camera_words(camera, Language::Chinese)),
        false => format!("{prompt}, {}", camera_words(camera, Language::English)),
    }
}

impl FromStr for Camera {
    type Err = ParseCameraError;

    fn from_str(text: &str) -> Result<Self, ParseCameraError> {
        let moves = text.split(';').map(parse_move).collect::<Option<Vec<_>>>();
        let rises = |moves: &[(CameraMove, Option<[f64; 2]>)]| {
            let times: Vec<_> = moves.iter().filter_map(|(_, times)| *times).collect();
            let all_or_none = times.is_empty() || times.len() == moves.len();
            all_or_none && times.windows(2).all(|pair| pair[0][1] <= pair[1][0])
        };
        match moves.filter(|moves| rises(moves)) {
            Some(moves) => Ok(Self { text: text.to_owned(), moves }),
            None => Err(ParseCameraError(text.to_owned())),
        }
    }
}

fn parse_move(text: &str) -> Option<(CameraMove, Option<[f64; 2]>)> {
    let (name, times) = text.split_once('@').map_or((text, None), |(name, times)| (name, Some(times)));
    let camera = match name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().as_str() {
        "still" => CameraMove::Still,
        "pan left" => CameraMove::PanLeft,
        "pan right" => CameraMove::PanRight,
        "zoom in" => CameraMove::ZoomIn,
        "zoom out" => CameraMove::ZoomOut,
        "orbit left" => CameraMove::OrbitLeft,
        "orbit right" => CameraMove::OrbitRight,
        _ => return None,
    };
    let Some(times) = times else { return Some((camera, None)) };
    let (from, to) = times.trim().split_once('-')?;
    let [from, to]: [f64; 2] = [from.parse().ok()?, to.parse().ok()?];
    (from >= 0.0 && to > from && to.is_finite()).then_some((camera, Some([from, to])))
}

impl TryFrom<String> for Camera {
    type Error = ParseCameraError;

    fn try_from(text: String) -> Result<Self, ParseCameraError> {
        text.parse()
    }
}

impl From<Camera> for String {
    fn from(camera: Camera) -> Self {
        camera.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_share_a_video_or_have_their_times() {
        let camera: Camera = "pan left; zoom in".parse().unwrap();
        assert_eq!(camera.at(0.9, 2.0), Some(CameraMove::PanLeft));
        assert_eq!(camera.at(1.0, 2.0), Some(CameraMove::ZoomIn));
        assert_eq!(camera.times(2.0), [0.0, 1.0, 1.0, 2.0]);
        let camera: Camera = "Pan  right @0.5-1; orbit left@2-3".parse().unwrap();
        assert_eq!(
            [0.0, 0.5, 1.0, 2.5].map(|time| camera.at(time, 4.0)),
            [None, Some(CameraMove::PanRight), None, Some(CameraMove::OrbitLeft)]
        );
        assert_eq!(serde_json::to_string(&camera).unwrap(), "\"Pan  right @0.5-1; orbit left@2-3\"");
        for text in [
            "",
            "pan",
            "pan left 30",
            "pan left;",
            "pan left @1",
            "zoom in @2-1",
            "pan left @0-2; still @1-3",
            "still; pan left @1-2",
        ] {
            let message = text.parse::<Camera>().unwrap_err().to_string();
            assert!(message.contains("pan left, pan right"), "{message}");
        }
    }

    #[test]
    fn prompts_say_it_in_their_language() {
        assert_eq!(with_camera("a red ball", CameraMove::ZoomIn), "a red ball, the camera zooms in");
        assert!(with_camera("一个红色的球", CameraMove::PanLeft).starts_with("一个红色的球，镜头"));
    }
}
