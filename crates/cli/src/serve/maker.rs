//! The engine as the server sees it.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
    time::UNIX_EPOCH,
};

use anyhow::Result;
use engine::{ModelFiles, ModelInfo, Pipeline, Plan, Precision, Prompts, Session, VideoRequest};
use judge::Judge;
use media::ClipShape;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::{
    Folder,
    maker::{
        Asked, Credential, Estimate, Kind, Made, Maker, ModelCard, Observer, Refusal, Resolved, Size,
        TaskKind, Vocabulary, Work,
    },
};
use world::Language;

use super::{asked::meant, characters, delivery::Delivery, refusal, work};
use crate::{eyes::with_eyes, failure::usage};

/// The longest video that a model's card names, in seconds. Windows roll on: longer ones take longer, and no more memory.
const LONGEST: f64 = 120.0;

/// A model that is served.
struct Served {
    card: ModelCard,
    folder: Option<PathBuf>,
    pipeline: Pipeline,
    /// Whether the videos are made elsewhere: then this machine's memory does not matter.
    only_plans: bool,
}

/// Models in memory, and what makes videos of them.
pub struct EngineMaker {
    served: Vec<Served>,
    /// For characters.
    judge: OnceLock<Judge>,
    delivery: Delivery,
}

/// What is kept of a request until it is made: no paths.
#[derive(Serialize, Deserialize)]
struct Kept {
    model: String,
    request: VideoRequest,
    /// Which of the job's files each of the request's known ones is.
    files: Vec<usize>,
    /// The size of the file, where it is not the one that is made.
    delivered: Option<Size>,
    /// Frames of the file, where the model makes a few more.
    #[serde(default)]
    num_frames: Option<usize>,
}

impl EngineMaker {
    /// Opens models, and reads them unless it is only to plan; the embedded one if there is no folder.
    pub fn open(
        folders: &[Folder],
        precision: Option<Precision>,
        delivery: Delivery,
        only_plans: bool,
    ) -> Result<Self> {
        let folders: Vec<Option<PathBuf>> = if folders.is_empty() {
            vec![None]
        } else {
            folders.iter().map(|folder| Some(folder.to_path_buf())).collect()
        };
        let mut served: Vec<Served> = Vec::new();
        for folder in folders {
            let pipeline = with_eyes(Session::cpu().open(&ModelFiles::new(folder.as_deref()), precision)?);
            let pipeline = if only_plans { pipeline } else { pipeline.keep()? };
            let id = pipeline.info().name.clone();
            if served.iter().any(|other| other.card.id == id) {
                return Err(usage(format!("model: expected folders of different names, found {id} twice")));
            }
            let request = VideoRequest {
                prompt: "a".into(),
                precision,
                model: folder.clone(),
                ..VideoRequest::default()
            };
            let plan = pipeline.plan(&request)?;
            if !only_plans {
                plan.check_memory()?;
            }
            // Measures now how fast the model is, so that no client waits for that.
            pipeline.time_plan(&plan)?;
            let created = folder.as_deref().map_or(0, made_at);
            let card = card(pipeline.info(), created, plan.memory.peak());
            served.push(Served { card, folder, pipeline, only_plans });
        }
        Ok(Self { served, judge: OnceLock::new(), delivery })
    }

    fn named(&self, id: &str) -> Result<&Served, Refusal> {
        let found = self.served.iter().find(|served| served.card.id == id);
        found.ok_or_else(|| Refusal::bad("model", format!("{id} is not served any more")))
    }
}

/// When a model's folder was made, in seconds since 1970; 0 if the system does not tell.
fn made_at(folder: &Path) -> i64 {
    let modified = folder.join("model_index.json").metadata().and_then(|metadata| metadata.modified());
    let since = modified.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default()
}

impl Served {
    /// The plan of a request, if there is memory for it where it is made.
    fn plan(&self, request: VideoRequest) -> Result<Plan, Refusal> {
        let request = VideoRequest {
            model: self.folder.clone(),
            precision: Some(self.pipeline.precision()),
            ..request
        };
        let plan = self.pipeline.plan(&request).map_err(|error| refusal::of(&error))?;
        if !self.only_plans {
            plan.check_memory().map_err(|error| refusal::of(&error))?;
        }
        Ok(plan)
    }
}

impl Maker for EngineMaker {
    fn models(&self) -> Vec<ModelCard> {
        self.served.iter().map(|served| served.card.clone()).collect()
    }

    fn meet(&self, clip: &Path) -> Result<Value, Refusal> {
        let mut models = self.served.iter().map(|served| served.pipeline.info());
        match models.any(|info| info.native.prompts == Prompts::World) {
            true => serde_json::to_value(characters::meet(clip, characters::judge(&self.judge)?)?)
                .map_err(refusal::internal),
            false => Err(Refusal::new(Kind::Unsupported, "video: no model here takes anyone from clips")),
        }
    }

    fn resolve(&self, asked: &Asked) -> Result<Resolved, Refusal> {
        let served = self.named(&asked.model)?;
        let meant = meant(asked, served.pipeline.info(), &self.judge)?;
        let plan = served.plan(meant.request.clone())?;
        let num_frames = meant.num_frames.unwrap_or(plan.num_frames);
        let made = size(plan.size);
        let delivered = meant.delivered.unwrap_or(made);
        if plan.num_frames > 1 {
            let format =
                media::Format::Mp4.check(delivered.width as usize, delivered.height as usize, plan.fps);
            format.map_err(|error| Refusal::bad("size", error))?;
        }
        let mut notes: Vec<String> = plan.warnings.iter().map(ToString::to_string).collect();
        if delivered != made {
            let note = format!("made at {made}, delivered at {delivered}");
            if asked.extras.is_strict {
                return Err(Refusal::new(
                    Kind::Unsupported,
                    format!("size: {note}: expected {made} to be exact"),
                ));
            }
            notes.push(note);
        }
        notes.extend(meant.ignored.iter().map(|name| format!("{name} is not looked at by this task")));
        if asked.extras.is_strict && !notes.is_empty() {
            return Err(Refusal::new(Kind::Unsupported, notes.join("; ")));
        }
        let seconds = served.pipeline.time_plan(&plan).map(|time| time.total()).unwrap_or_default();
        let files = meant.files;
        let mut request = meant.request;
        for (known, index) in request.known.iter_mut().zip(&files) {
            known.file = format!("input {index}").into();
        }
        let kept = Kept {
            model: served.card.id.clone(),
            request,
            files,
            delivered: (delivered != made).then_some(delivered),
            num_frames: meant.num_frames,
        };
        Ok(Resolved {
            request: serde_json::to_value(kept).map_err(refusal::internal)?,
            size: delivered,
            num_frames: num_frames as u64,
            fps: plan.fps,
            seconds: num_frames as f64 / plan.fps,
            notes,
            seed: plan.request.seed,
            estimate: Estimate { seconds, bytes: plan.memory.peak() },
        })
    }

    fn make(&self, work: &Work<'_>, observer: &mut dyn Observer) -> Result<Made, Refusal> {
        let Kept { model, mut request, files, delivered, num_frames } =
            serde_json::from_value(work.request.clone()).map_err(refusal::internal)?;
        let served = self.named(&model)?;
        for (known, index) in request.known.iter_mut().zip(files) {
            let input =
                work.inputs.get(index).ok_or_else(|| refusal::internal("a file of the job is missing"))?;
            known.file = input.path.clone();
        }
        let plan = served.plan(request)?;
        let (shape, of) = (plan.shape(), size(plan.size));
        let Size { width, height } = delivered.unwrap_or(of);
        let delivered = ClipShape {
            width: width as usize,
            height: height as usize,
            num_frames: num_frames.unwrap_or(shape.num_frames),
            ..shape
        };
        work::make(&served.pipeline, &plan, delivered, &self.delivery, work, observer)
    }

    fn provenance(&self, file: &Path) -> Result<Vec<Credential>, Refusal> {
        self.delivery.provenance(file)
    }
}

/// What clients are told of a model.
fn card(info: &ModelInfo, created: i64, memory_bytes: u64) -> ModelCard {
    let native = &info.native;
    let mut tasks = match info.sees_beside() {
        // It makes nothing without a picture.
        true => vec![TaskKind::FirstFrame],
        false => vec![TaskKind::Create, TaskKind::Image, TaskKind::Remix],
    };
    if info.expand_timesteps {
        tasks.extend([TaskKind::Edit, TaskKind::Extend, TaskKind::FirstFrame]);
    }
    if native.prompts == Prompts::World {
        tasks.push(TaskKind::Character);
    }
    let own = size(native.size);
    // The model's own, and those of its number of pixels in other shapes.
    let shapes = [(16, 9), (9, 16), (4, 3), (3, 4)];
    let others = shapes.map(|(width, height)| {
        let area = (native.size.width * native.size.height) as f64;
        let scale = (area / f64::from(width * height)).sqrt();
        let [width, height] = [width, height].map(|side| (f64::from(side) * scale).round() as usize);
        size(info.size_for(engine::Size { width, height }))
    });
    let native_seconds = native.num_frames as f64 / native.fps;
    ModelCard {
        id: info.name.clone(),
        created,
        owned_by: "kinora".into(),
        description: match native.prompts {
            Prompts::World => "Small things in a small world, made on two processor cores".into(),
            Prompts::Any => info.name.clone(),
        },
        native_size: own,
        sizes: std::iter::once(own).chain(others).collect(),
        fps: native.fps,
        seconds: [1.0 / native.fps, if info.expand_timesteps { LONGEST } else { native_seconds }],
        tasks,
        memory_bytes,
        vocabulary: match native.prompts {
            Prompts::World => vocabulary(),
            Prompts::Any => Vocabulary::new(),
        },
    }
}

/// The words of the world.
fn vocabulary() -> Vocabulary {
    let mut words = Vocabulary::new();
    for (code, language) in [("en", Language::English), ("zh", Language::Chinese)] {
        for group in world::vocabulary(language) {
            let phrases = group.phrases.iter().map(|phrase| match language {
                Language::English => phrase.clone(),
                Language::Chinese => phrase.replace(' ', ""),
            });
            words.entry(group.name.to_owned()).or_default().insert(code.to_owned(), phrases.collect());
        }
    }
    words
}

fn size(size: engine::Size) -> Size {
    let side = |length: usize| u32::try_from(length).unwrap_or(Size::MAX_SIDE);
    Size { width: side(size.width), height: side(size.height) }
}
