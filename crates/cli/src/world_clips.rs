//! `kinora world`

use std::{fs, path::PathBuf};

use anyhow::{Result, anyhow};
use clap::Args;
use engine::Size;
use indicatif::ProgressIterator;
use media::{Clip, ClipShape, SheetLayout, SheetRow};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use world::{Caption, ClipSpec, Language, Scene, Split};

use crate::failure::usage;

#[derive(Args)]
pub struct WorldArgs {
    /// How many clips
    #[arg(long, default_value_t = 16)]
    count: usize,

    /// Folder to write into; made if need be
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,

    /// Seed of the first scene; each further one has the next
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value_t = Size { width: ClipSpec::default().width, height: ClipSpec::default().height })]
    size: Size,

    /// Frames of each clip
    #[arg(long, value_name = "FRAMES", default_value_t = ClipSpec::default().num_frames)]
    num_frames: usize,

    /// Frames a second
    #[arg(long, default_value_t = ClipSpec::default().fps)]
    fps: u32,

    /// Scenes with combinations that training never shows, such as a colour on a kind of thing
    #[arg(long)]
    held_out: bool,
}

/// Frames of each clip on the contact sheet, and clips side by side.
const SHEET: SheetLayout = SheetLayout { frames_per_clip: 5, clips_across: 2 };

/// The contact sheet shows the first so many clips.
const MAX_CLIPS_ON_SHEET: usize = 64;

const INDEX: &str = "captions.jsonl";
const CONTACT_SHEET: &str = "contact-sheet.png";

/// The video of a clip, and its ground truth.
fn clip_files(number: usize) -> [String; 2] {
    [format!("{number:04}.mp4"), format!("{number:04}.json")]
}

pub fn run(args: &WorldArgs) -> Result<()> {
    let spec = args.spec()?;
    let folder = &args.output;
    fs::create_dir_all(folder)
        .map_err(|error| anyhow!("cannot make the folder {}: {error}", folder.display()))?;
    args.check_files()?;

    let (mut clips, mut index) = (Vec::new(), String::new());
    for number in (0..args.count).progress() {
        let scene = Scene::sample(args.seed.wrapping_add(number as u64), args.split());
        let captions = captions(&scene);
        let truth = world::simulate(&scene, &spec);
        let pixels = world::render(&scene, &truth, &spec);
        let clip = Clip::new(spec.width, spec.height, f64::from(spec.fps), pixels)?;

        let [video, record] = clip_files(number);
        media::write(&clip, &folder.join(&video), None)?;
        let record_json = json!({ "clip": spec, "scene": scene, "captions": captions, "truth": truth });
        disk::write_atomically(&folder.join(&record), record_json.to_string().as_bytes())?;
        let texts = captions.each_ref().map(|caption| &caption.text);
        index += &format!(
            "{}\n",
            json!({ "video": video, "truth": record, "seed": scene.seed, "captions": texts })
        );
        if number < MAX_CLIPS_ON_SHEET {
            let [english, _] = captions;
            let frames = clip.evenly_spaced(SHEET.frames_per_clip).concat();
            clips.push((Clip::new(spec.width, spec.height, clip.fps(), frames)?, english.text));
        }
    }
    disk::write_atomically(&folder.join(INDEX), index.as_bytes())?;
    let rows = clips.iter().map(|(clip, caption)| SheetRow { clip, caption }).collect::<Vec<_>>();
    media::write(&media::contact_sheet(&rows, SHEET)?, &folder.join(CONTACT_SHEET), None)?;
    crate::failure::print(&format!("{}: {} clips of {}", folder.display(), args.count, args.size))
}

/// One caption in each language, chosen by the scene's own seed.
fn captions(scene: &Scene) -> [Caption; 2] {
    let mut rng = ChaCha8Rng::seed_from_u64(scene.seed);
    Language::ALL.map(|language| world::caption(scene, language, &mut rng))
}

impl WorldArgs {
    /// Fails if a file of the many could not be written in the end: the folder takes files, and those that are there
    /// can be replaced.
    fn check_files(&self) -> Result<()> {
        disk::check_folder_writable(&self.output.join(CONTACT_SHEET))?;
        let files = (0..self.count).flat_map(clip_files).chain([INDEX.to_owned()]);
        for file in files.map(|file| self.output.join(file)) {
            if file.symlink_metadata().is_ok() {
                disk::check_folder_writable(&file)?;
            }
        }
        Ok(())
    }

    fn split(&self) -> Split {
        if self.held_out { Split::HeldOut } else { Split::Train }
    }

    fn spec(&self) -> Result<ClipSpec> {
        let Size { width, height } = self.size;
        if self.count == 0 || self.num_frames == 0 || self.fps == 0 {
            return Err(usage("--count, --num-frames and --fps: expected at least 1, found 0"));
        }
        let fps = f64::from(self.fps);
        if !Clip::FPS_RANGE.contains(&fps) {
            let (slowest, fastest) = (Clip::FPS_RANGE.start(), Clip::FPS_RANGE.end());
            return Err(usage(format!("--fps: expected {slowest} to {fastest}, found {fps}")));
        }
        media::Format::Mp4.check(width, height, fps).map_err(usage)?;
        if ClipShape::bytes(width, height, self.num_frames).is_none() {
            return Err(usage(format!(
                "--size and --num-frames: expected at most {} bytes of frames, found {} frames of {}",
                Clip::MAX_BYTES,
                self.num_frames,
                self.size
            )));
        }
        Ok(ClipSpec { width, height, num_frames: self.num_frames, fps: self.fps })
    }
}
