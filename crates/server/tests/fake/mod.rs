//! An engine that makes a square move, in steps that survive a kill: real files, and no model.
//!
//! The prompt says how: `steps=20`, `pause=10` (thousandths of a second a step), `estimate=100` (seconds), `memory=700` (MiB),
//! and the words `fail`, `panic`, `exit` (of the process, at the second step), `refuse` and `huge`.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    ops::ControlFlow,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use media::{Clip, ClipShape, ClipWriter};
use serde_json::{Value, json};
use server::maker::{
    Asked, Credential, Estimate, Frame, Kind, Made, Maker, ModelCard, Observer, Outcome, Preview, Progress,
    Refusal, Resolved, Role, SignalKind, Size, Task, TaskKind, Validation, Vocabulary, Work,
};

/// The engine.
#[derive(Debug)]
pub struct Fake {
    /// Where a line is written for each file that is finished.
    pub log: Option<PathBuf>,
}

/// It obeys none of them; a page shows them.
fn vocabulary() -> Vocabulary {
    let group = |name: &str, english: &[&str], chinese: &[&str]| {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let languages = [("en".to_owned(), words(english)), ("zh".to_owned(), words(chinese))];
        (name.to_owned(), BTreeMap::from(languages))
    };
    BTreeMap::from([
        group("things", &["ball", "boat", "box", "bird"], &["球", "船", "盒子", "鸟"]),
        group("colours", &["red", "green", "blue"], &["红色", "绿色", "蓝色"]),
        group("times of day", &["in the morning", "at night"], &["早晨", "夜晚"]),
    ])
}

const SIZE: (u32, u32) = (64, 48);
const FPS: f64 = 8.0;

impl Maker for Fake {
    fn models(&self) -> Vec<ModelCard> {
        let size = native();
        vec![ModelCard {
            id: "fake-1".into(),
            created: 1_700_000_000,
            owned_by: "kinora".into(),
            description: "A square that moves.".into(),
            native_size: size,
            sizes: vec![size],
            fps: FPS,
            seconds: [0.125, 60.0],
            tasks: vec![TaskKind::Create, TaskKind::Remix, TaskKind::Edit, TaskKind::Extend, TaskKind::Image],
            memory_bytes: 1 << 20,
            vocabulary: vocabulary(),
        }]
    }

    fn resolve(&self, asked: &Asked) -> Result<Resolved, Refusal> {
        let prompt = &asked.prompt;
        if prompt.contains("refuse") {
            return Err(Refusal::new(
                Kind::OutOfMemory,
                "this video needs 9 TB of memory, and the machine has 1",
            ));
        }
        if prompt.contains("panic now") {
            panic!("asked to");
        }
        let source = asked.inputs.iter().find(|input| input.role == Role::SourceVideo);
        let source = source.map(|input| media::summary(&input.path)).transpose();
        let source = source.map_err(|error| Refusal::bad("video", error))?.map(|summary| summary.shape);
        let fps = asked.extras.fps.unwrap_or(FPS);
        let own = source.map_or(0, |shape| shape.num_frames as u64);
        let asked_frames =
            asked.extras.num_frames.or_else(|| asked.seconds.map(|seconds| (seconds * fps).round() as u64));
        let num_frames = match &asked.task {
            Task::Image => 1,
            Task::Extend { .. } => own + asked_frames.unwrap_or(8),
            Task::Remix { .. } | Task::Edit { .. } => own,
            Task::Create { .. } => asked_frames.unwrap_or(8),
        };
        let of_source = source.and_then(|shape| Size::new(shape.width as u32, shape.height as u32));
        let size = asked.size.or(of_source).unwrap_or_else(native);
        if num_frames == 0 {
            return Err(Refusal::bad("seconds", "expected at least one frame"));
        }
        if asked.task != Task::Image {
            let format = media::Format::Mp4.check(size.width as usize, size.height as usize, fps);
            format.map_err(|error| Refusal::bad("size", error))?;
        }
        let is_native = size == native();
        if !is_native && asked.extras.is_strict {
            return Err(Refusal::new(Kind::Unsupported, format!("only {} is made", native())));
        }
        let notes =
            if is_native { Vec::new() } else { vec![format!("made at {}, delivered at {size}", native())] };
        let inputs: Vec<_> = asked.inputs.iter().map(|input| json!(input.role)).collect();
        Ok(Resolved {
            request: json!({
                "prompt": prompt, "width": size.width, "height": size.height, "num_frames": num_frames, "fps": fps,
                "seed": asked.extras.seed.unwrap_or(0), "inputs": inputs, "task": format!("{:?}", asked.task),
            }),
            size,
            num_frames,
            fps,
            seconds: num_frames as f64 / fps,
            notes,
            seed: asked.extras.seed.unwrap_or(0),
            estimate: Estimate {
                seconds: number(prompt, "estimate").unwrap_or(1.0),
                bytes: (number(prompt, "memory").unwrap_or(1.0) as u64) << 20,
            },
        })
    }

    fn make(&self, work: &Work<'_>, observer: &mut dyn Observer) -> Result<Made, Refusal> {
        let begun = Instant::now();
        let prompt = work.request["prompt"].as_str().unwrap_or_default();
        for input in work.inputs {
            media::summary(&input.path).map_err(internal)?;
        }
        let total = number(prompt, "steps").unwrap_or(4.0) as u64;
        let pause = Duration::from_millis(number(prompt, "pause").unwrap_or(0.0) as u64);
        let kept = work.state.join("step");
        let first = fs::read_to_string(&kept).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        for step in first..total {
            thread::sleep(pause);
            if prompt.contains("panic") && step == total / 2 {
                panic!("asked to");
            }
            if prompt.contains("exit") && step == 1 {
                std::process::exit(1);
            }
            disk::write_atomically(&kept, (step + 1).to_string().as_bytes()).map_err(internal)?;
            let done = 0.9 * (step + 1) as f64 / total as f64;
            let preview = Some(Preview { media_type: "image/png", bytes: preview(step)? });
            let progress = Progress { stage: "denoise", step: step + 1, total, done, preview };
            if observer.progress(progress) == ControlFlow::Break(()) {
                return Err(Refusal::new(Kind::Cancelled, "stopped"));
            }
        }
        if prompt.contains("fail") {
            return Err(Refusal::new(Kind::OutOfMemory, "there was no memory for this after all"));
        }
        write(work, observer)?;
        if let Some(log) = &self.log {
            let id = work.output.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
            let file = fs::File::options().create(true).append(true).open(log);
            file.and_then(|mut file| file.write_all(format!("{id}\n").as_bytes())).map_err(internal)?;
        }
        let timings = vec![("denoise".to_owned(), begun.elapsed().as_secs_f64())];
        Ok(Made { timings, notes: vec![format!("went on from step {first}")] })
    }

    fn provenance(&self, file: &Path) -> Result<Vec<Credential>, Refusal> {
        let record = media::read_provenance(file).map_err(|error| Refusal::bad("file", error))?;
        Ok(vec![Credential {
            kind: SignalKind::C2pa,
            outcome: if record.is_some() { Outcome::Detected } else { Outcome::NotDetected },
            validation_state: Some(if record.is_some() { Validation::Valid } else { Validation::NotPresent }),
            issuer: record.is_some().then(|| "Kinora".to_owned()),
            model: record.is_some().then(|| "fake-1".to_owned()),
            generated_at: None,
        }])
    }
}

/// Its own size.
fn native() -> Size {
    Size { width: SIZE.0, height: SIZE.1 }
}

fn internal(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(Kind::Internal, error)
}

/// `name=5` somewhere in the prompt.
fn number(prompt: &str, name: &str) -> Option<f64> {
    prompt.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

fn preview(step: u64) -> Result<Vec<u8>, Refusal> {
    let folder = tempfile::tempdir().map_err(internal)?;
    let path = folder.path().join("preview.png");
    let clip = Clip::still(8, 8, vec![(step * 9 % 256) as u8; 8 * 8 * 3]).map_err(internal)?;
    media::write(&clip, &path, None).map_err(internal)?;
    fs::read(path).map_err(internal)
}

/// A white square on its way to the right.
fn write(work: &Work<'_>, observer: &mut dyn Observer) -> Result<(), Refusal> {
    let number = |name: &str| work.request[name].as_u64().unwrap_or(1) as usize;
    let (width, height, num_frames) = (number("width"), number("height"), number("num_frames"));
    let fps = work.request["fps"].as_f64().unwrap_or(FPS);
    let size = Size { width: width as u32, height: height as u32 };
    let record = json!({ "prompt": work.request["prompt"], "model": "fake-1" });
    let side = height / 4;
    let frame = |index: usize| -> Vec<u8> {
        let left = index * (width - side) / num_frames;
        let is_square = |pixel: usize| {
            (left..left + side).contains(&(pixel % width)) && (side..2 * side).contains(&(pixel / width))
        };
        (0..width * height).flat_map(|pixel| [if is_square(pixel) { 230 } else { 40 }; 3]).collect()
    };
    if work.output.extension().is_some_and(|extension| extension == "png") {
        let clip = Clip::still(width, height, frame(0)).map_err(internal)?;
        return media::write(&clip, work.output, Some(&record)).map_err(internal);
    }
    let shape = ClipShape { width, height, num_frames, fps };
    let mut writer = ClipWriter::create(work.output, shape, Some(&record)).map_err(internal)?;
    for index in 0..num_frames {
        let rgb = frame(index);
        writer.push(&rgb).map_err(internal)?;
        observer.frame(Frame { index: index as u64, size, rgb: &rgb });
    }
    writer.finish().map_err(internal)
}

/// What the record of the making says.
#[allow(dead_code, reason = "not every test looks")]
pub fn prompt_of(path: &Path) -> Option<Value> {
    media::read_provenance(path).ok().flatten().map(|record| record["prompt"].clone())
}
