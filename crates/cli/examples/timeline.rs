//! What a model makes of pictures that are there, and how it follows what it is told, a row for each command:
//!
//! `cargo run --release -p kinora --example timeline -- timeline.png [model folder]`
//!
//! The pictures are clips of the procedural world that no training has seen. The last rows are made by the program `kinora`, which
//! must have been built.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use engine::{ModelFiles, ModelInfo, Session, Side, Span, VideoRequest, unobserved};
use media::{Clip, SheetLayout, SheetRow};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use world::{ClipSpec, Language, Scene, Split};

const LAYOUT: SheetLayout = SheetLayout { frames_per_clip: 9, clips_across: 1 };
/// Seeds of scenes; not those of anything in training.
const CAR: u64 = 900_001;
const BOAT: u64 = 900_002;
const BIRD: u64 = 900_003;
/// Pixels on a side of the clips: those of the embedded model's own.
const SIDE: usize = 256;

/// A clip of the world in a folder, and its caption.
fn clip(folder: &Path, seed: u64) -> anyhow::Result<(PathBuf, String)> {
    let spec = ClipSpec { width: SIDE, height: SIDE, ..ClipSpec::default() };
    let scene = Scene::sample(seed, Split::Train);
    let frames = world::render(&scene, &world::simulate(&scene, &spec), &spec);
    let path = folder.join(format!("{seed}.mp4"));
    media::write(&Clip::new(spec.width, spec.height, f64::from(spec.fps), frames)?, &path, None)?;
    let caption = world::dense_caption(&scene, Language::English, &mut ChaCha8Rng::seed_from_u64(seed));
    Ok((path, caption.text))
}

/// What a command is called, and the request that it makes.
type Task<'a> = (&'a str, engine::Result<VideoRequest>);

fn tasks<'a>(folder: &Path, info: &ModelInfo) -> anyhow::Result<Vec<Task<'a>>> {
    let [(car, drives), (boat, rests), (bird, flies)] =
        [clip(folder, CAR)?, clip(folder, BOAT)?, clip(folder, BIRD)?];
    let still = folder.join("still.png");
    let first = media::read(&car)?;
    let first = first.frame(0).context("a first frame")?.to_vec();
    media::write(&Clip::still(SIDE, SIDE, first)?, &still, None)?;
    let sparse = folder.join("sparse.mp4");
    let every_fourth: Vec<u8> = media::read(&car)?.frames().step_by(4).flatten().copied().collect();
    media::write(&Clip::new(SIDE, SIDE, 2.0, every_fourth)?, &sparse, None)?;
    let of = |prompt: &str| VideoRequest { prompt: prompt.into(), seed: 1, ..VideoRequest::default() };
    let region = "0,32,128,160".parse()?;
    let span = |from, to, prompt: &str| Span { from, to, prompt: prompt.into() };
    let story = vec![
        span(0.0, 2.0, "a red ball rolls to the left on the grass"),
        span(2.0, 4.0, "a red ball bounces on the grass"),
    ];
    let story = VideoRequest { spans: story, seconds: Some(4.0), seed: 3, ..VideoRequest::default() };
    Ok(vec![
        ("animate: the first frame is given", of(&drives).animate(&still, None)),
        ("extend: the first 17 frames are given", of(&drives).extend(&car, Side::Forward, 2.0, info)),
        ("extend --backward: the last 17 are", of(&drives).extend(&car, Side::Backward, 2.0, info)),
        ("connect: both ends are", of(&drives).connect(&bird, &car, 1.5, info)),
        ("interpolate: every second one here is given", of(&drives).interpolate(&sparse, 8.0)),
        ("loop: all but the last 12 are", of(&rests).loop_clip(&boat, 1.5, info)),
        ("remix: a red bird", of(&flies.replace("green", "red")).remix(&bird, 0.85, Vec::new(), info)),
        (
            "edit: a green ball on the left",
            of(&rests.replace("orange cube", "green ball")).remix(&boat, 1.0, vec![region], info),
        ),
        ("storyboard: a red ball rolls to the left, and bounces", Ok(story)),
    ])
}

/// What `kinora` makes, by what is asked of it.
fn by_program(folder: &Path, model: Option<&str>, args: &[&str]) -> anyhow::Result<Clip> {
    let examples = std::env::current_exe()?;
    let program = examples.parent().and_then(Path::parent).context("a folder of examples")?.join("kinora");
    let output = folder.join("made.mp4");
    let mut command = Command::new(&program);
    command.args(args).args(model.iter().flat_map(|model| ["--model", model])).arg("--output").arg(&output);
    let status = command.stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("running {}: build it first", program.display()))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(media::read(&output)?)
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let output = arguments.next().unwrap_or_else(|| "timeline.png".into());
    let model = arguments.next();

    let files = ModelFiles::new(model.as_deref().map(Path::new));
    let pipeline = Session::cpu().open(&files, VideoRequest::default().precision)?.keep()?;
    let folder = std::env::temp_dir().join(format!("kinora-timeline-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut clips = Vec::new();
    for (name, request) in tasks(&folder, pipeline.info())? {
        let request = request?;
        eprintln!("{name}: {}", request.prompt);
        let video = pipeline.generate(&pipeline.plan(&request)?, &mut unobserved)?;
        clips.push((video.to_clip()?, name));
    }
    let car = folder.join(format!("{CAR}.mp4")).to_string_lossy().into_owned();
    let told = ["generate", "a blue cube on the sand", "--motion-from", &car];
    clips.push((
        by_program(&folder, model.as_deref(), &told)?,
        "generate --motion-from: a blue cube as the car",
    ));
    let played = ["play", "a red dog on the grass", "--script", "right", "space", "left"];
    clips.push((by_program(&folder, model.as_deref(), &played)?, "play: right, space, left"));
    std::fs::remove_dir_all(&folder)?;
    let rows: Vec<SheetRow<'_>> = clips.iter().map(|(clip, caption)| SheetRow { clip, caption }).collect();
    media::write(&media::contact_sheet(&rows, LAYOUT)?, Path::new(&output), None)?;
    Ok(())
}
