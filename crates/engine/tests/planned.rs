//! What the embedded model plans, and what it is told of where things are in what is given.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use engine::{
    At, Edge, Eyes, Known, ModelFiles, Pipeline, Place, Precision, Region, Session, Size, Span, Track,
    VideoRequest, unobserved,
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
            ..Place::default()
        };
        Some(vec![Track { kind: 0, colour: 0, places: (0..clip.num_frames()).map(place).collect() }])
    }

    fn look_for(&self, clip: &Clip, prompt: &str) -> Option<Vec<Track>> {
        self.look(clip, &format!("as asked: {prompt}"))
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
        (vec![at_end(given(grey(17)))], vec![7]),
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

/// What something else is made of is taken for what that is to be.
#[test]
fn what_is_made_into_something_else_is_planned_from_where_it_is() {
    for regions in [vec![], vec![REGION]] {
        let request = request(9, vec![Known { strength: 0.7, regions, ..given(grey(9)) }]);
        let (frames, looks) = made(&request);
        let [(9, prompt)] = &looks[..] else { panic!("{looks:?}") };
        assert!(prompt.contains("as asked"), "{prompt}");
        assert_ne!(frames, without_eyes(&request));
    }
    // Of each scene, what its own prompt asks for.
    let span = |from, to, prompt: &str| Span { from, to, prompt: prompt.into() };
    let spans = vec![span(0.0, 1.0, "a red ball rests"), span(1.0, 2.125, "a blue cube rests")];
    let known = vec![Known { strength: 0.7, ..given(grey(17)) }];
    let (_, looks) = made(&VideoRequest { prompt: String::new(), spans, ..request(17, known) });
    let prompts: Vec<&str> = looks.iter().map(|(_, prompt)| prompt.as_str()).collect();
    let [first, second] = prompts[..] else { panic!("{prompts:?}") };
    assert!(first.contains("red ball") && second.contains("blue cube"), "{prompts:?}");
}

/// A thing that is seen where nothing changes stays what it is, and nobody knows where the other is to be.
#[test]
fn what_is_beside_a_region_is_not_taken_for_what_comes_into_it() {
    let elsewhere = Region { y: 0.0, height: 16.0, ..REGION };
    let later = Region { from: 0.5, ..REGION };
    for region in [elsewhere, later] {
        let request = request(9, vec![Known { strength: 0.7, regions: vec![region], ..given(grey(9)) }]);
        let (frames, looks) = made(&request);
        assert_eq!(looks.len(), 1);
        assert_eq!(frames, without_eyes(&request));
    }
}

/// Around what [`Seeing`] sees in nine frames of 64×64.
const REGION: Region =
    Region { x: 8.0, y: 16.0, width: 40.0, height: 40.0, from: 0.0, to: None, moves_to: None };

#[test]
fn what_nothing_is_left_of_is_not_looked_at() {
    let (_, looks) = made(&request(9, vec![Known { strength: 1.0, ..given(grey(9)) }]));
    assert_eq!(looks, []);
}

#[test]
fn what_others_are_made_between_is_not_planned() {
    let known = Known {
        fill_between: true,
        clip: Some(Arc::new(Clip::new(64, 64, 4.0, vec![128; 5 * 64 * 64 * 3]).unwrap())),
        ..given(grey(9))
    };
    let request = request(9, vec![known]);
    let (frames, looks) = made(&request);
    assert_eq!(looks, []);
    assert_eq!(frames, without_eyes(&request));
}

/// What is seen to move is what the prompt names, along the same track.
#[test]
fn what_moves_alone_is_followed() {
    let known = Known { strength: 0.7, motion_only: true, ..given(grey(9)) };
    let request = request(9, vec![known]);
    let (frames, looks) = made(&request);
    assert_eq!(looks.len(), 1, "{looks:?}");
    assert_ne!(frames, without_eyes(&request));
}

/// Both ends of a clip that is closed to a loop are looked at.
#[test]
fn the_beginning_of_a_loop_is_seen_behind_its_end() {
    let request = VideoRequest { is_loop: true, ..request(25, vec![given(grey(17))]) };
    let (frames, looks) = made(&request);
    assert_eq!(looks.len(), 2, "{looks:?}");
    assert_ne!(frames, without_eyes(&request));
}

/// Eyes that see another thing in each clip.
#[derive(Debug, Default)]
struct Fickle(Mutex<usize>);

impl Eyes for Fickle {
    fn look(&self, clip: &Clip, _: &str) -> Option<Vec<Track>> {
        let mut looks = self.0.lock().unwrap();
        *looks += 1;
        let place = Place { x: 0.5, y: 0.6, width: 0.2, height: 0.2, distance: 6.0, ..Place::default() };
        Some(vec![Track { kind: *looks, colour: 0, places: vec![place; clip.num_frames()] }])
    }

    fn look_for(&self, clip: &Clip, prompt: &str) -> Option<Vec<Track>> {
        self.look(clip, prompt)
    }
}

#[test]
fn nothing_is_planned_between_pictures_of_different_things() {
    let known = vec![given(grey(1)), Known { at: At::Edge(Edge::End), ..given(grey(1)) }];
    let request = request(9, known);
    let pipeline = pipeline().with_eyes(Arc::new(Fickle::default()));
    let frames = pipeline.generate(&pipeline.plan(&request).unwrap(), &mut unobserved).unwrap().frames;
    assert_eq!(frames, without_eyes(&request));
}

/// What nothing but a prompt is made of is planned, in one window, in several, and as one picture: without its planner the model makes
/// something else.
#[test]
fn prompts_alone_are_planned() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/kinora-tiny");
    copy(&embedded, folder.path());
    let index = folder.path().join("model_index.json");
    let mut parts: serde_json::Value = serde_json::from_slice(&fs::read(&index).unwrap()).unwrap();
    parts["planner"] = serde_json::Value::Null;
    fs::write(&index, parts.to_string()).unwrap();
    let unplanned =
        Session::cpu().open(&ModelFiles::new(Some(folder.path())), Some(Precision::Bf16)).unwrap();
    for num_frames in [1, 9, 25] {
        let request = request(num_frames, Vec::new());
        let (frames, looks) = made(&request);
        assert_eq!(looks, []);
        assert_eq!(frames, without_eyes(&request));
        let other = unplanned.generate(&unplanned.plan(&request).unwrap(), &mut unobserved).unwrap();
        assert_ne!(frames, other.frames, "{num_frames}");
    }
}

/// Copies a folder of files and of folders of files.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}
