//! `kinora train data`: scenes of the procedural world as clips and stills.

use std::{
    iter::repeat_n,
    path::{Path, PathBuf},
};

use clap::Args;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use world::{Caption, ClipSpec, GroundTruth, Language, Scene, Split};

use super::{BYTES_PER_PIXEL, Plan, Store, StoreWriter, Subset, count};
use crate::{
    error::{Result, TrainError},
    files,
    fingerprint::Fingerprint,
    lock::Lock,
    memory::gib,
    observer::{Observer, Progress},
    random::{Purpose, rng},
};

/// Sizes of clips, `[width, height]`, each with its share.
const SHAPES: [([usize; 2], f64); 3] = [([128, 128], 0.7), ([160, 96], 0.15), ([96, 160], 0.15)];

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
    /// Clips to train on, of 17 frames at 8 a second
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
}

impl Default for DataArgs {
    fn default() -> Self {
        Self { output: "kinora-data".into(), clips: 4000, stills: 20_000, validation: 64, seed: 0 }
    }
}

impl DataArgs {
    fn plan(&self) -> Plan {
        Plan { clips: self.clips, stills: self.stills, validation: self.validation }
    }
}

/// What all items of a data set have in common, and how many there are to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    seed: u64,
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
    check_seed(output, args.seed)?;
    check_room(args)?;
    files::write_json(&output.join(HEADER), &Header { seed: args.seed, plan: Some(args.plan()) })?;
    for subset in [Subset::Validation, Subset::Stills, Subset::Clips] {
        fill(output, subset, args.plan().of(subset), args.seed, observer)?;
    }
    Ok(())
}

/// The seed of the data set in `folder`; none if [`make`] did not make it.
///
/// # Errors
/// A header that cannot be read.
pub fn world_seed(folder: &Path) -> Result<Option<u64>> {
    Ok(read_header(folder)?.map(|header| header.seed))
}

/// Fails if the data set in `folder` is not whole, unless that is allowed.
///
/// # Errors
/// [`TrainError::Partial`], or a data set that cannot be read.
pub fn check_whole(folder: &Path, allow_partial: bool) -> Result<()> {
    let Some(Header { seed, plan: Some(plan) }) = read_header(folder)?.filter(|_| !allow_partial) else {
        return Ok(());
    };
    let Plan { clips, stills, validation } = plan;
    let advice = format!(
        "make the rest with `kinora train data --output {} --clips {clips} --stills {stills} --validation \
         {validation} --seed {seed}`",
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

fn check_seed(output: &Path, seed: u64) -> Result<()> {
    match world_seed(output)? {
        Some(found) if found != seed => Err(TrainError::Mismatch {
            path: output.join(HEADER),
            what: "seed".into(),
            expected: format!("{seed} as in --seed"),
            found: found.to_string(),
        }),
        _ => Ok(()),
    }
}

/// Fails if the disk has not the room for what is missing.
fn check_room(args: &DataArgs) -> Result<()> {
    let ClipSpec { width, height, num_frames, .. } = ClipSpec::default();
    // All shapes have about as many pixels.
    let still = (width * height * BYTES_PER_PIXEL) as u64;
    let mut needed = 0_u64;
    for subset in Subset::ALL {
        let missing = args.plan().of(subset).saturating_sub(count(&args.output.join(subset.name()))?) as u64;
        let bytes = if subset == Subset::Stills { still } else { still * num_frames as u64 };
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

fn fill(output: &Path, subset: Subset, count: usize, seed: u64, observer: &dyn Observer) -> Result<()> {
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
            group.into_par_iter().map(|index| Drawn::new(subset, index, seed).render()).collect();
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
    /// Item `index` of a subset, which depends on nothing but the seed.
    pub fn new(subset: Subset, index: usize, seed: u64) -> Self {
        // Subsets take their scenes from ranges that never meet.
        let mut rng = rng(seed, Purpose::Scene, index as u64 | (subset as u64) << 48);
        let split = if subset == Subset::Validation { Split::HeldOut } else { Split::Train };
        let scene = Scene::sample(rng.random(), split);
        let [width, height] = shape(&mut rng);
        let spec = ClipSpec { width, height, ..ClipSpec::default() };
        let truth = world::simulate(&scene, &spec);
        let still = (subset == Subset::Stills).then(|| rng.random_range(0..spec.num_frames));
        Self { scene, spec, truth, still, rng }
    }

    /// Its height and width, in pixels.
    #[cfg(test)]
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

fn shape(rng: &mut ChaCha8Rng) -> [usize; 2] {
    let mut draw = rng.random::<f64>();
    for (shape, share) in SHAPES {
        if draw < share {
            return shape;
        }
        draw -= share;
    }
    SHAPES[0].0
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
    use crate::observer::StopsAfter;

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
        assert_eq!(world_seed(folder.path()).unwrap(), Some(0));
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
