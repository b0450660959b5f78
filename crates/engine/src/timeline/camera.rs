//! How the camera moves, and when: words for people to write, and for models to read.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use world::{CameraMove, ClipSpec, Language, camera_words, is_chinese, without_camera};

/// Moves of the camera, one behind the other: `pan left; zoom in`; with how far, in degrees or in how many times nearer or
/// farther, `pan left 30; zoom in 1.5`; or with times in seconds, `pan left @0-1.5; zoom in @2-4`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Camera {
    text: String,
    moves: Vec<Move>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Move {
    camera: CameraMove,
    /// In seconds.
    length: Length,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Length {
    /// As long as others that do not say.
    Even,
    /// As long as it takes to come so far, at the pace that the world's cameras have.
    Seconds(f64),
    /// From one time to another.
    Times([f64; 2]),
}

/// A text that is no [`Camera`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected moves such as 'pan left; zoom in', each with or without how far ('pan left 30' degrees, 'zoom in 1.5' times) or its \
     seconds ('pan left @0-1.5'), of {MOVES}; found '{0}'"
)]
pub struct ParseCameraError(String);

const MOVES: &str = "pan left, pan right, zoom in, zoom out, orbit left, orbit right and still";

impl Camera {
    /// The move at a time of a video of so many seconds, if there is one then.
    pub fn at(&self, time: f64, seconds: f64) -> Option<CameraMove> {
        self.during(time, seconds).map(|of| of.camera)
    }

    /// How far the move at that time is to come, as a multiple of what the world's cameras do in a clip; none if it does not say.
    pub(crate) fn share(&self, time: f64, seconds: f64) -> Option<f64> {
        match self.during(time, seconds)?.length {
            Length::Seconds(seconds) => Some(seconds / f64::from(ClipSpec::default().duration())),
            Length::Even | Length::Times(_) => None,
        }
    }

    fn during(&self, time: f64, seconds: f64) -> Option<&Move> {
        let during = |(_, [from, to]): &(&Move, [f64; 2])| time >= *from && time < *to;
        self.moves.iter().zip(self.spans(seconds)).find(during).map(|(of, _)| of)
    }

    /// The times at which one begins or ends.
    pub fn times(&self, seconds: f64) -> Vec<f64> {
        self.spans(seconds).into_iter().flatten().collect()
    }

    /// The seconds that all moves take together, if each says how far it goes or how long.
    pub fn seconds(&self) -> Option<f64> {
        self.moves.iter().try_fold(0.0, |end, of| match of.length {
            Length::Even => None,
            Length::Seconds(seconds) => Some(end + seconds),
            Length::Times([_, to]) => Some(to),
        })
    }

    /// When the last of the moves begins that have their times.
    pub fn last_start(&self) -> f64 {
        let start = |of: &Move| if let Length::Times([from, _]) = of.length { from } else { 0.0 };
        self.moves.iter().map(start).fold(0.0, f64::max)
    }

    /// The seconds that those moves take which say how far they go.
    pub fn least_seconds(&self) -> f64 {
        let of = |of: &Move| if let Length::Seconds(seconds) = of.length { seconds } else { 0.0 };
        self.moves.iter().map(of).sum()
    }

    /// From when until when each move goes. Those that do not say share evenly what is left of the video.
    fn spans(&self, seconds: f64) -> Vec<[f64; 2]> {
        let open = self.moves.iter().filter(|of| of.length == Length::Even).count();
        let even = (seconds - self.least_seconds()).max(0.0) / open.max(1) as f64;
        let mut end = 0.0;
        let span = |of: &Move| {
            let span = match of.length {
                Length::Even => [end, end + even],
                Length::Seconds(seconds) => [end, end + seconds],
                Length::Times(times) => times,
            };
            end = span[1];
            span
        };
        self.moves.iter().map(span).collect()
    }
}

/// How long a move takes to come so far.
fn seconds_of(camera: CameraMove, amount: f64) -> Option<f64> {
    let (whole, of_clip) = (world::camera_amount(camera)?, f64::from(ClipSpec::default().duration()));
    let share = match camera {
        CameraMove::ZoomIn | CameraMove::ZoomOut if amount > 1.0 => amount.ln() / whole.ln(),
        CameraMove::ZoomIn | CameraMove::ZoomOut => return None,
        _ => amount / whole,
    };
    (share > 0.0 && share.is_finite()).then_some(share * of_clip)
}

/// A prompt with what the camera does, in the language of the prompt and in place of what that says of the camera itself.
pub(crate) fn with_camera(prompt: &str, camera: CameraMove) -> String {
    let (language, comma) = match is_chinese(prompt) {
        true => (Language::Chinese, "，"),
        false => (Language::English, ", "),
    };
    let (rest, words) = (without_camera(prompt), camera_words(camera, language));
    if rest.is_empty() { words } else { format!("{rest}{comma}{words}") }
}

impl FromStr for Camera {
    type Err = ParseCameraError;

    fn from_str(text: &str) -> Result<Self, ParseCameraError> {
        let moves = text.split(';').map(parse_move).collect::<Option<Vec<_>>>();
        let rises = |moves: &[Move]| {
            let times: Vec<_> = moves
                .iter()
                .filter_map(|of| if let Length::Times(times) = of.length { Some(times) } else { None })
                .collect();
            let all_or_none = times.is_empty() || times.len() == moves.len();
            all_or_none && times.windows(2).all(|pair| pair[0][1] <= pair[1][0])
        };
        match moves.filter(|moves| rises(moves)) {
            Some(moves) => Ok(Self { text: text.to_owned(), moves }),
            None => Err(ParseCameraError(text.to_owned())),
        }
    }
}

fn parse_move(text: &str) -> Option<Move> {
    let (name, times) = text.split_once('@').map_or((text, None), |(name, times)| (name, Some(times)));
    let lower = name.to_lowercase();
    let mut words: Vec<&str> = lower.split_whitespace().collect();
    let amount = words.last().and_then(|last| last.trim_end_matches(['°', '×']).parse::<f64>().ok());
    words.truncate(words.len() - usize::from(amount.is_some()));
    let camera = match words.join(" ").as_str() {
        "still" => CameraMove::Still,
        "pan left" => CameraMove::PanLeft,
        "pan right" => CameraMove::PanRight,
        "zoom in" => CameraMove::ZoomIn,
        "zoom out" => CameraMove::ZoomOut,
        "orbit left" => CameraMove::OrbitLeft,
        "orbit right" => CameraMove::OrbitRight,
        _ => return None,
    };
    let length = match (amount, times) {
        (None, None) => Length::Even,
        (Some(amount), None) => Length::Seconds(seconds_of(camera, amount)?),
        // How far it comes in a given time is the model's.
        (Some(_), Some(_)) => return None,
        (None, Some(times)) => {
            let (from, to) = times.trim().split_once('-')?;
            let [from, to]: [f64; 2] = [from.parse().ok()?, to.parse().ok()?];
            Length::Times((from >= 0.0 && to > from && to.is_finite()).then_some([from, to])?)
        }
    };
    Some(Move { camera, length })
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
        // 12 degrees in two seconds, and 1.44 times nearer.
        let camera: Camera = "pan left 24; zoom in 1.2; still".parse().unwrap();
        assert!((camera.least_seconds() - 5.0).abs() < 0.03, "{}", camera.least_seconds());
        assert_eq!(
            (camera.at(3.9, 8.0), camera.at(4.5, 8.0)),
            (Some(CameraMove::PanLeft), Some(CameraMove::ZoomIn))
        );
        assert_eq!((camera.at(7.9, 8.0), camera.seconds()), (Some(CameraMove::Still), None));
        assert!(
            "orbit right 43.5°"
                .parse::<Camera>()
                .unwrap()
                .seconds()
                .is_some_and(|it| (it - 2.0).abs() < 0.01)
        );
        for text in [
            "",
            "pan",
            "still 30",
            "zoom in 0.5",
            "pan left -3",
            "pan left 30 @0-1",
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
        let inherited = "a large red ball rolls on the grass, the camera is still";
        let expected = "a large red ball rolls on the grass, the camera pans left";
        assert_eq!(with_camera(inherited, CameraMove::PanLeft), expected);
        assert_eq!(with_camera("the camera zooms in", CameraMove::ZoomOut), "the camera zooms out");
    }
}
