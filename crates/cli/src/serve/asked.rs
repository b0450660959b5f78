//! What a client asks for, as a request of the engine.

use std::{path::Path, sync::OnceLock};

use engine::{At, Edge, Known, ModelInfo, Prompts, Region, Side, Span, VideoRequest};
use judge::Judge;
use media::ClipShape;
use server::maker::{self, Asked, Input, Kind, Place, Refusal, Role, Size, Task};

use super::{
    characters,
    refusal::{self, internal},
};
use crate::tasks::REMIX_STRENGTH;

/// How much of a video an edit without regions makes anew where that is not said.
const EDITED: f64 = 0.75;
/// Seconds that an extension adds.
const EXTENDED: f64 = 4.0;

/// A request, with what the engine does not know of it.
pub struct Meant {
    pub request: VideoRequest,
    /// Which of the asked-for files each of the request's known ones is.
    pub files: Vec<usize>,
    /// The size of the file that the client gets; the size that is made, if none.
    pub delivered: Option<Size>,
    /// Frames of the file that the client gets, if the model makes a few more.
    pub num_frames: Option<usize>,
    /// Fields that the task does not look at.
    pub ignored: Vec<&'static str>,
}

/// What a client means, for a model.
pub fn meant(asked: &Asked, info: &ModelInfo, judge: &OnceLock<Judge>) -> Result<Meant, Refusal> {
    let source = asked.inputs.iter().find(|input| input.role == Role::SourceVideo);
    let shape = source.map(|input| media::summary(&input.path)).transpose();
    let shape = shape.map_err(|error| Refusal::bad("video", error))?.map(|summary| summary.shape);
    let delivered = asked.size.or_else(|| shape.and_then(size_of));
    let mut request = begin(asked, info, delivered, judge)?;
    let mut num_frames = None;
    let source =
        || source.map(|input| input.path.as_path()).ok_or_else(|| internal("the source video is missing"));
    let seconds = asked.seconds.unwrap_or(EXTENDED);
    let made = match &asked.task {
        Task::Image => {
            (request.num_frames, request.seconds) = (Some(1), None);
            Ok(request)
        }
        Task::Create { spans } => {
            request.spans = spans.iter().map(span).collect();
            for input in &asked.inputs {
                request.known.extend(known(input)?);
            }
            num_frames = rounded_up(&mut request, info);
            Ok(request)
        }
        Task::Remix { strength } => {
            whole(request).remix(source()?, strength.unwrap_or(REMIX_STRENGTH), Vec::new(), info)
        }
        Task::Edit { strength, regions } => {
            let usual = if regions.is_empty() { EDITED } else { 1.0 };
            let regions = regions.iter().map(|region| scaled(region, delivered, request.size)).collect();
            whole(request).remix(source()?, strength.unwrap_or(usual), regions, info)
        }
        Task::Extend { side } => {
            let side = match side {
                maker::Side::Forward => Side::Forward,
                maker::Side::Backward => Side::Backward,
            };
            whole(request).extend(source()?, side, seconds, info)
        }
    };
    let request = made.map_err(|error| refusal::of(&error))?;
    let files = request.known.iter().map(|known| position(asked, &known.file)).collect::<Result<_, _>>()?;
    Ok(Meant { request, files, delivered, num_frames, ignored: ignored(asked) })
}

/// Fields with a value that the task does not look at.
fn ignored(Asked { task, extras, seconds, .. }: &Asked) -> Vec<&'static str> {
    let is_new = matches!(task, Task::Create { .. });
    [
        ("num_frames", extras.num_frames.is_some() && !is_new && *task != Task::Image),
        ("loop", extras.is_loop && !is_new),
        ("seconds", seconds.is_some() && !is_new && !matches!(task, Task::Extend { .. })),
    ]
    .into_iter()
    .filter_map(|(name, is_ignored)| is_ignored.then_some(name))
    .collect()
}

/// Asks for as many frames as the model can make that are no fewer than asked for, and gives the number that was, if that is
/// another. What begins from pictures and what leads back to itself is as long as is asked for anyway.
fn rounded_up(request: &mut VideoRequest, info: &ModelInfo) -> Option<usize> {
    if !request.known.is_empty() || request.is_loop {
        return None;
    }
    let fps = request.fps.unwrap_or(info.native.fps);
    let of_seconds = |seconds: f64| ((seconds * fps).round() as usize).max(1);
    let asked = request.num_frames.or_else(|| request.seconds.map(of_seconds))?;
    let made = info.frames_at_least(asked);
    (request.num_frames, request.seconds) = (Some(made), None);
    (made != asked).then_some(asked)
}

/// What all tasks have in common.
fn begin(
    asked: &Asked,
    info: &ModelInfo,
    delivered: Option<Size>,
    judge: &OnceLock<Judge>,
) -> Result<VideoRequest, Refusal> {
    let mut prompt = asked.prompt.clone();
    for Input { role, path } in &asked.inputs {
        if let Role::Character { name, seen } = role {
            if info.native.prompts != Prompts::World {
                let message = "characters: expected none, as this model takes no one from clips, found some";
                return Err(Refusal::new(Kind::Unsupported, message));
            }
            // Of characters that older programs kept nothing is known yet.
            let seen = match serde_json::from_value(seen.clone()) {
                Ok(seen) => seen,
                Err(_) => characters::meet(path, characters::judge(judge)?)?,
            };
            prompt = characters::told(&prompt, name, seen);
        }
    }
    let extras = &asked.extras;
    let whole = |number: Option<u64>| number.map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    let num_frames = whole(extras.num_frames);
    let size =
        delivered.map(|size| engine::Size { width: size.width as usize, height: size.height as usize });
    Ok(VideoRequest {
        prompt,
        negative_prompt: extras.negative_prompt.clone().unwrap_or_default(),
        seed: extras.seed.unwrap_or(0),
        num_inference_steps: whole(extras.num_inference_steps),
        guidance_scale: extras.guidance_scale,
        size: size.map(|size| info.size_for(size)),
        seconds: asked.seconds.filter(|_| num_frames.is_none()),
        num_frames,
        fps: extras.fps,
        is_loop: extras.is_loop,
        ..VideoRequest::default()
    })
}

/// Without a length: what is made of a video is as long as that is.
fn whole(request: VideoRequest) -> VideoRequest {
    VideoRequest { seconds: None, num_frames: None, ..request }
}

fn known(input: &Input) -> Result<Option<Known>, Refusal> {
    let of = |at, strength| Known { at, strength, ..Known::new(&input.path) };
    Ok(match &input.role {
        Role::FirstFrame => Some(of(At::Seconds(0.0), 0.0)),
        Role::Known { at: Place::Seconds(at), strength } => Some(of(At::Seconds(*at), *strength)),
        Role::Known { at: Place::Edge(_), strength } => Some(of(At::Edge(Edge::End), *strength)),
        Role::Character { .. } => None,
        Role::SourceVideo => return Err(internal("a new video has no source")),
    })
}

fn position(asked: &Asked, file: &Path) -> Result<usize, Refusal> {
    let found = asked.inputs.iter().position(|input| input.path == file);
    found.ok_or_else(|| internal("a file that was not asked for"))
}

fn span(span: &maker::Span) -> Span {
    Span { from: span.from, to: span.to, prompt: span.prompt.clone() }
}

/// A region of the delivered video in pixels of the one that is made.
fn scaled(region: &maker::Region, delivered: Option<Size>, made: Option<engine::Size>) -> Region {
    let [across, down] = match (delivered, made) {
        (Some(delivered), Some(made)) => {
            [made.width as f64 / f64::from(delivered.width), made.height as f64 / f64::from(delivered.height)]
        }
        _ => [1.0; 2],
    };
    let maker::Region { x, y, width, height, from, to, moves_to } = region;
    Region {
        x: x * across,
        y: y * down,
        width: width * across,
        height: height * down,
        from: *from,
        to: *to,
        moves_to: moves_to.map(|[x, y]| [x * across, y * down]),
    }
}

fn size_of(shape: ClipShape) -> Option<Size> {
    Size::new(shape.width.try_into().ok()?, shape.height.try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use engine::{ModelFiles, Session};
    use server::maker::Extras;

    use super::*;

    fn asked(task: Task, size: Option<&str>, inputs: Vec<Input>) -> Asked {
        Asked {
            task,
            prompt: "a red ball on the grass".into(),
            model: "kinora-tiny".into(),
            seconds: Some(2.0),
            size: size.map(|size| size.parse().unwrap()),
            inputs,
            extras: Extras { seed: Some(7), ..Extras::default() },
        }
    }

    fn of(asked: &Asked) -> Result<Meant, Refusal> {
        let request = VideoRequest::default();
        let pipeline = Session::cpu().open(&ModelFiles::Embedded, request.precision).unwrap();
        meant(asked, pipeline.info(), &OnceLock::new())
    }

    #[test]
    fn a_size_of_another_model_is_made_in_its_shape() {
        let wide = of(&asked(Task::Create { spans: Vec::new() }, Some("1280x720"), Vec::new())).unwrap();
        let size = wide.request.size.unwrap();
        assert_eq!((size.width % 16, size.height % 16, wide.request.seed), (0, 0, 7));
        let shape = size.width as f64 / size.height as f64;
        assert!((shape / (1280.0 / 720.0) - 1.0).abs() < 0.15, "{size}");
        assert_eq!(wide.delivered.unwrap().to_string(), "1280x720");
        let own = of(&asked(Task::Create { spans: Vec::new() }, None, Vec::new())).unwrap();
        assert_eq!((own.request.size, own.delivered), (None, None));
    }

    #[test]
    fn a_video_is_exactly_as_long_as_asked_for() {
        let long = |seconds: f64, num_frames: Option<u64>| {
            let task = Task::Create { spans: Vec::new() };
            let extras = Extras { num_frames, ..Extras::default() };
            let meant =
                of(&Asked { seconds: Some(seconds), extras, ..asked(task, None, Vec::new()) }).unwrap();
            (meant.request.num_frames.unwrap(), meant.num_frames)
        };
        assert_eq!(long(4.0, None), (33, Some(32)));
        assert_eq!(long(2.125, None), (17, None));
        assert_eq!(long(0.01, None), (1, None));
        assert_eq!(long(4.0, Some(6)), (7, Some(6)));
    }

    #[test]
    fn what_a_task_does_not_look_at_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        media::write(&media::Clip::new(128, 128, 8.0, vec![90; 9 * 128 * 128 * 3]).unwrap(), &path, None)
            .unwrap();
        let input = Input { role: Role::SourceVideo, path };
        let extras = Extras { num_frames: Some(9), is_loop: true, ..Extras::default() };
        let remixed =
            of(&Asked { extras, ..asked(Task::Remix { strength: None }, None, vec![input]) }).unwrap();
        assert_eq!(remixed.ignored, ["num_frames", "loop", "seconds"]);
    }

    #[test]
    fn what_is_made_of_a_video_is_as_long_and_as_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        let clip = media::Clip::new(512, 512, 8.0, vec![90; 9 * 512 * 512 * 3]).unwrap();
        media::write(&clip, &path, None).unwrap();
        let source = || vec![Input { role: Role::SourceVideo, path: path.clone() }];
        let half = maker::Region {
            x: 0.0,
            y: 256.0,
            width: 256.0,
            height: 256.0,
            from: 0.0,
            to: None,
            moves_to: None,
        };
        let edited = of(&asked(Task::Edit { strength: None, regions: vec![half] }, None, source())).unwrap();
        let known = &edited.request.known[0];
        assert_eq!((known.strength, edited.files, edited.request.seconds), (1.0, vec![0], None));
        assert_eq!((known.regions[0].y, known.regions[0].width), (128.0, 128.0));
        assert_eq!(edited.delivered.unwrap().to_string(), "512x512");
        let longer = of(&asked(Task::Extend { side: maker::Side::Backward }, None, source())).unwrap();
        assert_eq!(longer.request.num_frames, Some(9 + 16));
        let remixed = of(&asked(Task::Remix { strength: Some(0.5) }, None, source())).unwrap();
        assert_eq!(remixed.request.known[0].strength, 0.5);
    }
}
