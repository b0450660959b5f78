//! What the embedded model plans, and what it is told of where things are in what is given.

use std::sync::{Arc, Mutex};

use engine::{
    At, Edge, Eyes, Known, ModelFiles, Pipeline, Place, Precision, Session, Size, Track, VideoRequest,
    unobserved,
};
use media::Clip;

/// Eyes that see a red ball that rolls to the right, whatever they are shown, and remember what that was.
#[derive(Debug, Default)]
struct Seeing(Mutex<Vec<(usize, String)>>);

impl Eyes for Seeing {
    fn look(&self, clip: &Clip, prompt: &str) -> Option<Vec<Track>> {
        self.0.lock().unwrap().push((clip.num_frames(), prompt.to_owned()));
        let place = |frame: usize| Place {
            x: 0.2 + 0.05 * frame as f32,
            y: 0.6,
            width: 0.2,
            height: 0.2,
            distance: 6.0,
        };
        Some(vec![Track { kind: 0, colour: 0, places: (0..clip.num_frames()).map(place).collect() }])
    }
}

fn pipeline() -> Pipeline {
    Session::cpu().open(&ModelFiles::Embedded, Some(Precision::Bf16)).unwrap()
}

/// A clip of so many grey frames.
fn grey(num_frames: usize) -> Clip {
    Clip::new(64, 64, 8.0, vec![128; num_frames * 64 * 64 * 3]).unwrap()
}

fn request(num_frames: usize, known: Vec<Known>) -> VideoRequest {
    VideoRequest {
        prompt: "a red ball rolls to the right on the grass".into(),
        num_frames: Some(num_frames),
        size: Some(Size { width: 64, height: 64 }),
        num_inference_steps: Some(1),
        known,
        ..VideoRequest::default()
    }
}

fn given(clip: Clip) -> Known {
    Known { clip: Some(Arc::new(clip)), ..Known::new("given") }
}

/// The frames of a request, and what eyes were shown for it.
fn made(request: &VideoRequest) -> (Vec<f32>, Vec<(usize, String)>) {
    let eyes = Arc::new(Seeing::default());
    let pipeline = pipeline().with_eyes(eyes.clone());
    let video = pipeline.generate(&pipeline.plan(request).unwrap(), &mut unobserved).unwrap();
    let shown = eyes.0.lock().unwrap().clone();
    (video.frames, shown)
}

fn without_eyes(request: &VideoRequest) -> Vec<f32> {
    let pipeline = pipeline();
    pipeline.generate(&pipeline.plan(request).unwrap(), &mut unobserved).unwrap().frames
}

#[test]
fn what_is_given_is_looked_at_once_and_changes_the_plan() {
    let at_end = |known: Known| Known { at: At::Edge(Edge::End), ..known };
    for (known, shown) in [
        // A picture is shown as a clip that stands still.
        (vec![given(grey(1))], vec![5]),
        // Of a clip that goes on, the frames that a window sees.
        (vec![given(grey(17))], vec![5]),
        (vec![given(grey(1)), at_end(given(grey(1)))], vec![5, 5]),
        (vec![at_end(given(grey(17)))], vec![6]),
    ] {
        let num_frames =
            if known.iter().any(|known| known.clip.as_ref().unwrap().num_frames() > 1) { 25 } else { 9 };
        let request = request(num_frames, known);
        let (frames, looks) = made(&request);
        let counts: Vec<usize> = looks.iter().map(|(count, _)| *count).collect();
        assert_eq!(counts, shown);
        assert!(looks.iter().all(|(_, prompt)| prompt.contains("red ball")), "{looks:?}");
        assert_ne!(frames, without_eyes(&request));
    }
}

#[test]
fn what_others_are_made_of_is_not_planned() {
    let known = given(grey(9));
    for known in [
        Known { strength: 0.7, ..known.clone() },
        Known {
            fill_between: true,
            clip: Some(Arc::new(Clip::new(64, 64, 4.0, vec![128; 5 * 64 * 64 * 3]).unwrap())),
            ..known
        },
    ] {
        let request = request(9, vec![known]);
        let (frames, looks) = made(&request);
        assert_eq!(looks, []);
        assert_eq!(frames, without_eyes(&request));
    }
}

/// The same bytes for the same request, in one window, in several, and as one picture.
#[test]
fn nothing_but_prompts_is_planned_without_eyes() {
    for num_frames in [1, 9, 25] {
        let request = request(num_frames, Vec::new());
        let (frames, looks) = made(&request);
        assert_eq!(looks, []);
        assert_eq!(frames, without_eyes(&request));
    }
    // What is planned is of the seed.
    let of_seed = |seed| made(&VideoRequest { seed, ..request(9, Vec::new()) }).0;
    assert_ne!(of_seed(1), of_seed(2));
}
