//! `kinora train data`: scenes of the procedural world as clips and stills.

use std::{
    iter::repeat_n,
    path::{Path, PathBuf},
};

use clap::Args;
use models::tracks::Track;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use world::{Caption, ClipSpec, GroundTruth, Language, Mark, Scene, Split};

use super::{ClipShape, Plan, Store, StoreWriter, Subset, count};
use crate::{
    error::{Result, TrainError},
    files,
    fingerprint::Fingerprint,
    lock::Lock,
    memory::gib,
    observer::{Observer, Progress},
    random::{Purpose, rng},
    tracks,
};

/// Phrasings kept for each item, in each language.
const PHRASINGS: usize = 4;
/// And of those that leave nothing out.
const DENSE_PHRASINGS: usize = 3;

/// A way to put a scene into words.
type Phrase = fn(&Scene, Language, &mut ChaCha8Rng) -> Caption;

/// Items rendered between two writes: what an interruption costs at most.
const GROUP: usize = 16;

/// What to render.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataArgs {
    /// Folder of the data set; what is there is kept and added to
    #[arg(long, default_value_os_t = Self::default().output)]
    pub output: PathBuf,
    /// Clips to train on, at 8 frames a second
    #[arg(long, default_value_t = Self::default().clips)]
    pub clips: usize,
    /// Stills to train on, each of a scene of its own
    #[arg(long, default_value_t = Self::default().stills)]
    pub stills: usize,
    /// Clips of combinations that training never shows
    #[arg(long, default_value_t = Self::default().validation)]
    pub validation: usize,
    /// Seed of all scenes
    #[arg(long, default_value_t = Self::default().seed)]
    pub seed: u64,
    /// Shapes of clips, as often each, such as 128x128x33,256x256x17; if not given, 17 frames of 128x128, 160x96 or 96x160
    #[arg(long, value_name = "WIDTHxHEIGHTxFRAMES", value_delimiter = ',')]
    #[serde(default)]
    pub shapes: Vec<ClipShape>,
}

impl Default for DataArgs {
    fn default() -> Self {
        Self {
            output: "kinora-data".into(),
            clips: 4000,
            stills: 20_000,
            validation: 64,
            seed: 0,
            shapes: Vec::new(),
        }
    }
}

impl DataArgs {
    fn plan(&self) -> Plan {
        Plan { clips: self.clips, stills: self.stills, validation: self.validation }
    }

    fn recipe(&self) -> Recipe {
        Recipe { seed: self.seed, shapes: self.shapes.clone() }
    }
}

/// What every item of a data set is drawn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Of all scenes.
    pub seed: u64,
    /// Of clips; the common ones if there are none.
    #[serde(default)]
    pub shapes: Vec<ClipShape>,
}

/// What all items of a data set have in common, and how many there are to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    #[serde(flatten)]
    recipe: Recipe,
    /// Older data sets do not say; what is there is all of them.
    #[serde(default)]
    plan: Option<Plan>,
}

/// The file of a data set's [`Header`].
const HEADER: &str = "dataset.json";

/// Renders what is missing of the data set. It can be stopped; a second run goes on.
///
/// # Errors
/// A folder that cannot be written, that another process writes, that holds a data set of another seed, or that lies on
/// a disk without the room; [`TrainError::Stopped`].
pub fn make(args: &DataArgs, observer: &dyn Observer) -> Result<()> {
    let output = &args.output;
    let _lock = Lock::hold(output)?;
    check_recipe(output, &args.recipe())?;
    check_room(args)?;
    files::write_json(&output.join(HEADER), &Header { recipe: args.recipe(), plan: Some(args.plan()) })?;
    for subset in [Subset::Validation, Subset::Stills, Subset::Clips] {
        fill(output, subset, args.plan().of(subset), &args.recipe(), observer)?;
    }
    Ok(())
}

/// What the data set in `folder` was drawn from; none if [`make`] did not make it.
///
/// # Errors
/// A header that cannot be read.
pub fn recipe(folder: &Path) -> Result<Option<Recipe>> {
    Ok(read_header(folder)?.map(|header| header.recipe))
}

/// Fails if the data set in `folder` is not whole, unless that is allowed.
///
/// # Errors
/// [`TrainError::Partial`], or a data set that cannot be read.
pub fn check_whole(folder: &Path, allow_partial: bool) -> Result<()> {
    let Some(Header { recipe, plan: Some(plan) }) = read_header(folder)?.filter(|_| !allow_partial) else {
        return Ok(());
    };
    let Plan { clips, stills, validation } = plan;
    let Recipe { seed, shapes } = recipe;
    let shapes = match &shapes[..] {
        [] => String::new(),
        _ => format!(" --shapes {}", listed(&shapes)),
    };
    let advice = format!(
        "make the rest with `kinora train data --output {} --clips {clips} --stills {stills} --validation \
         {validation} --seed {seed}{shapes}`",
        folder.display()
    );
    plan.check(folder, &advice)
}

/// What tells the contents of the data set in `folder` from those of others.
///
/// # Errors
/// Files that cannot be read.
pub fn contents(folder: &Path, bytes_per_position: usize) -> Result<String> {
    let mut all = Fingerprint::default();
    for subset in Subset::ALL {
        let folder = folder.join(subset.name());
        if count(&folder)? > 0 {
            all.add(Store::open(&folder, bytes_per_position, "")?.fingerprint()?.as_bytes());
        }
        all.add(b"\n");
    }
    Ok(all.finish())
}

fn read_header(folder: &Path) -> Result<Option<Header>> {
    let path = folder.join(HEADER);
    if path.exists() { files::read_json(&path).map(Some) } else { Ok(None) }
}

/// As `--shapes` takes them.
fn listed(shapes: &[ClipShape]) -> String {
    shapes.iter().map(ClipShape::to_string).collect::<Vec<_>>().join(",")
}

fn check_recipe(output: &Path, asked: &Recipe) -> Result<()> {
    let Some(found) = recipe(output)? else { return Ok(()) };
    let mismatch = |what: &str, expected, found| {
        Err(TrainError::Mismatch { path: output.join(HEADER), what: what.into(), expected, found })
    };
    if found.seed != asked.seed {
        return mismatch("seed", format!("{} as in --seed", asked.seed), found.seed.to_string());
    }
    if found.shapes != asked.shapes {
        let named = |shapes: &[ClipShape]| match shapes {
            [] => "none".to_owned(),
            _ => listed(shapes),
        };
        let expected = format!("{} as in --shapes", named(&asked.shapes));
        return mismatch("shapes", expected, named(&found.shapes));
    }
    Ok(())
}

/// Fails if the disk has not the room for what is missing.
fn check_room(args: &DataArgs) -> Result<()> {
    let [still, clip] = ClipShape::most_bytes(&args.shapes);
    let mut needed = 0_u64;
    for subset in Subset::ALL {
        let missing = args.plan().of(subset).saturating_sub(count(&args.output.join(subset.name()))?) as u64;
        let bytes = if subset == Subset::Stills { still } else { clip };
        needed = needed.saturating_add(missing.saturating_mul(bytes));
    }
    match files::room(&args.output) {
        Some(room) if needed > room => Err(TrainError::Setting {
            flag: "--clips, --stills or --validation",
            expected: format!(
                "at most what the disk of {} has room for, {}",
                args.output.display(),
                gib(room as f64)
            ),
            found: format!("{} more", gib(needed as f64)),
        }),
        _ => Ok(()),
    }
}

fn fill(output: &Path, subset: Subset, count: usize, recipe: &Recipe, observer: &dyn Observer) -> Result<()> {
    let mut writer = StoreWriter::open(&output.join(subset.name()))?;
    if writer.len() >= count {
        return Ok(());
    }
    let share = |len: usize| len as f64 / count as f64;
    while writer.len() < count {
        if observer.stopped() {
            return writer.stopped(count);
        }
        let group = writer.len()..(writer.len() + GROUP).min(count);
        let rendered: Vec<Rendered> =
            group.into_par_iter().map(|index| Drawn::new(subset, index, recipe).render()).collect();
        for item in rendered {
            writer.append(item.size, item.captions, &item.frames, None)?;
        }
        let state = format!("{} of {count}", writer.len());
        observer.progress(Progress { name: subset.name(), done: share(writer.len()), state: &state });
    }
    writer.sync()?;
    log::info!("{} {} in {}", subset.name(), writer.len(), output.display());
    Ok(())
}

struct Rendered {
    size: [usize; 3],
    captions: Vec<String>,
    frames: Vec<u8>,
}

/// An item before it is rendered.
pub struct Drawn {
    /// What it shows.
    pub scene: Scene,
    spec: ClipSpec,
    truth: GroundTruth,
    /// The one frame of a still.
    still: Option<usize>,
    /// What captions are drawn with.
    rng: ChaCha8Rng,
}

impl Drawn {
    /// Item `index` of a subset, which depends on nothing but the recipe.
    pub fn new(subset: Subset, index: usize, Recipe { seed, shapes }: &Recipe) -> Self {
        // Subsets take their scenes from ranges that never meet.
        let mut rng = rng(*seed, Purpose::Scene, index as u64 | (subset as u64) << 48);
        let split = if subset == Subset::Validation { Split::HeldOut } else { Split::Train };
        let scene = Scene::sample(rng.random(), split);
        let spec = ClipShape::draw(shapes, &mut rng).spec();
        let truth = world::simulate(&scene, &spec);
        let still = (subset == Subset::Stills).then(|| rng.random_range(0..spec.num_frames));
        Self { scene, spec, truth, still, rng }
    }

    /// Its height and width, in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.spec.height, self.spec.width]
    }

    /// What it shows, in words.
    pub fn captions(&self) -> Vec<String> {
        let [some, all]: [Phrase; 2] = match self.still {
            Some(_) => [world::still_caption, world::dense_still_caption],
            None => [world::caption, world::dense_caption],
        };
        captions(&mut self.rng.clone(), |language, rng| {
            let phrasings = repeat_n(some, PHRASINGS).chain(repeat_n(all, DENSE_PHRASINGS));
            phrasings.map(|phrase| phrase(&self.scene, language, rng).text).collect()
        })
    }

    /// The share of each thing in each cell of a frame, `[things, height / cell, width / cell]`.
    pub fn shares(&self, frame: usize, cell: usize) -> Vec<f32> {
        let frame = self.still.map_or(frame, |still| still + frame);
        world::shares(&self.scene, &self.truth, &self.spec, frame, cell)
    }

    /// Where its things are in so many frames from its first one on.
    pub fn tracks(&self, num_frames: usize) -> Vec<Track> {
        let first = self.still.unwrap_or(0);
        tracks::tracks(&self.scene, &self.truth, first..first + num_frames)
    }

    /// What falls in so many frames from its first one on, in a picture of so many latents down and across.
    pub fn falling(&self, num_frames: usize, size: [usize; 2]) -> Vec<Vec<Mark>> {
        let first = self.still.unwrap_or(0);
        tracks::falling(&self.scene, &self.truth, first..first + num_frames, size)
    }

    /// The scene and the truth about the clip; none if it is a still.
    pub fn clip(&self) -> Option<(&Scene, &GroundTruth)> {
        self.still.is_none().then_some((&self.scene, &self.truth))
    }

    fn render(&self) -> Rendered {
        let Self { scene, spec, truth, .. } = self;
        let frames = match self.still {
            Some(frame) => world::render_frame(scene, truth, spec, frame),
            None => world::render(scene, truth, spec),
        };
        let num_frames = if self.still.is_some() { 1 } else { spec.num_frames };
        Rendered { size: [num_frames, spec.height, spec.width], captions: self.captions(), frames }
    }
}

/// Phrasings without repeats, English first.
fn captions(rng: &mut ChaCha8Rng, phrase: impl Fn(Language, &mut ChaCha8Rng) -> Vec<String>) -> Vec<String> {
    let mut captions = Vec::new();
    for language in [Language::English, Language::Chinese] {
        for text in phrase(language, &mut ChaCha8Rng::seed_from_u64(rng.random())) {
            if !captions.contains(&text) {
                captions.push(text);
            }
        }
    }
    captions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dataset::BYTES_PER_PIXEL, observer::StopsAfter};

    #[test]
    fn a_data_set_grows_and_repeats() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let args = |folder: &Path, clips| DataArgs {
            output: folder.into(),
            clips,
            stills: 3,
            validation: 1,
            ..DataArgs::default()
        };
        make(&args(first.path(), 1), &()).unwrap();
        make(&args(first.path(), 2), &()).unwrap();
        make(&args(second.path(), 2), &()).unwrap();
        let contents = |folder: &Path| contents(folder, BYTES_PER_PIXEL).unwrap();
        assert_eq!(contents(first.path()), contents(second.path()));
        for subset in Subset::ALL {
            let stores = [&first, &second]
                .map(|f| Store::open(&f.path().join(subset.name()), BYTES_PER_PIXEL, "").unwrap());
            assert_eq!(stores[0].items(), stores[1].items());
            let last = stores[0].items().len() - 1;
            assert_eq!(stores[0].read(last).unwrap(), stores[1].read(last).unwrap());
            for item in stores[0].items() {
                assert_eq!(item.bytes as usize, item.size.iter().product::<usize>() * 3);
                assert!(item.captions.len() >= 2, "{:?}", item.captions);
                assert_eq!(item.size[0], if subset == Subset::Stills { 1 } else { 17 });
            }
        }
        let other = DataArgs { seed: 5, ..args(first.path(), 2) };
        assert!(make(&other, &()).unwrap_err().to_string().contains("seed"));
        let other = DataArgs { shapes: vec![ClipShape::default()], ..args(first.path(), 2) };
        let message = make(&other, &()).unwrap_err().to_string();
        assert!(message.contains("128x128x17 as in --shapes") && message.contains("found none"), "{message}");
    }

    #[test]
    fn clips_have_the_shapes_that_are_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let shapes: Vec<ClipShape> = ["32x48x9", "64x32x5"].map(|shape| shape.parse().unwrap()).into();
        let output = folder.path().to_owned();
        let args = DataArgs { output, clips: 6, stills: 3, validation: 1, shapes, ..DataArgs::default() };
        make(&args, &()).unwrap();
        let sizes = |subset: Subset| -> Vec<[usize; 3]> {
            let store = Store::open(&folder.path().join(subset.name()), BYTES_PER_PIXEL, "").unwrap();
            store.items().iter().map(|item| item.size).collect()
        };
        let clips = sizes(Subset::Clips);
        assert!(clips.iter().all(|size| [[9, 48, 32], [5, 32, 64]].contains(size)), "{clips:?}");
        assert!(sizes(Subset::Stills).iter().all(|size| [[1, 48, 32], [1, 32, 64]].contains(size)));
        let message = make(&DataArgs { clips: 7, ..args }, &StopsAfter(0.into())).unwrap_err();
        assert!(message.to_string().contains("again"), "{message}");
        let message = check_whole(folder.path(), false).unwrap_err().to_string();
        assert!(message.contains("--shapes 32x48x9,64x32x5`"), "{message}");
    }

    #[test]
    fn half_a_data_set_is_not_taken_for_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let args = DataArgs {
            output: folder.path().into(),
            clips: 2,
            stills: 3,
            validation: 1,
            ..DataArgs::default()
        };
        // Asked before each group: held-out clips, stills, clips.
        let message = make(&args, &StopsAfter(2.into())).unwrap_err().to_string();
        assert!(message.contains("0 of 2 clips") && message.contains("again"), "{message}");
        let message = check_whole(folder.path(), false).unwrap_err().to_string();
        assert!(message.contains("0 of 2 clips") && message.contains("--allow-partial"), "{message}");
        check_whole(folder.path(), true).unwrap();
        make(&args, &()).unwrap();
        check_whole(folder.path(), false).unwrap();

        // As data sets were before they said how much there is to be.
        files::write_json(&folder.path().join(HEADER), &serde_json::json!({ "seed": 0 })).unwrap();
        check_whole(folder.path(), false).unwrap();
        assert_eq!(recipe(folder.path()).unwrap(), Some(Recipe { seed: 0, shapes: Vec::new() }));
    }

    #[cfg(target_os = "linux")] // elsewhere the room is not known
    #[test]
    fn what_no_disk_has_room_for_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for count in [1 << 40, usize::MAX] {
            let args = DataArgs { output: folder.path().into(), clips: count, ..DataArgs::default() };
            let message = make(&args, &()).unwrap_err().to_string();
            assert!(message.contains("--clips") && message.contains("GiB"), "{message}");
        }
    }
}
