//! A job in the making: the engine's frames on their way into the file, and the client's news of it.

use std::{
    cell::RefCell,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use engine::{Pipeline, Plan, Stage, State};
use media::{Clip, ClipShape, ClipWriter, Fit};
use server::maker::{Frame, Made, Observer, Preview, Progress, Refusal, Size, Work};

use super::{
    delivery::Delivery,
    refusal::{self, internal},
};

/// Parts of the work: what is done when the prompt is read, and how much more when all steps are done.
const TEXT: f64 = 0.02;
const DENOISE: f64 = 0.83;
/// Previews come no more often than this.
const PREVIEW_EVERY: Duration = Duration::from_millis(400);

/// Makes the video of a plan, and delivers as many of its frames as the `shape` has, in its size.
pub fn make(
    pipeline: &Pipeline,
    plan: &Plan,
    shape: ClipShape,
    delivery: &Delivery,
    work: &Work<'_>,
    observer: &mut dyn Observer,
) -> Result<Made, Refusal> {
    let record = pipeline.provenance(plan).map_err(|error| refusal::of(&error))?;
    let state = open_state(work.state, plan, &record)?;
    let made = plan.shape();
    let first = delivery.first(work.state, work.output);
    let mut writer = ClipWriter::create(&first, shape, Some(&record)).map_err(internal)?;
    let told = RefCell::new(observer);
    let mut index = 0;
    let mut sink = |frame: &[f32]| {
        if index == shape.num_frames as u64 {
            return Ok(());
        }
        let mut picture = Clip::still(made.width, made.height, engine::to_bytes(frame))?.fit(
            shape.width,
            shape.height,
            Fit::Cover,
        )?;
        delivery.mark(&mut picture);
        writer.push(picture.as_bytes())?;
        let size = Size { width: shape.width as u32, height: shape.height as u32 };
        told.borrow_mut().frame(Frame { index, size, rgb: picture.as_bytes() });
        index += 1;
        Ok(())
    };
    let mut teller = Teller {
        told: &told,
        folder: work.state.to_owned(),
        denoised: 0.0,
        decoded: 0.0,
        preview: None,
        last: None,
    };
    let timings = pipeline.stream_kept(plan, Some(&state), &mut sink, &mut teller);
    let timings = timings.map_err(|error| refusal::of(&error))?;
    writer.finish().map_err(internal)?;
    delivery.finish(&first, work.output, &record)?;
    let parts = [
        ("load", timings.load),
        ("text", timings.text),
        ("denoise", timings.denoise),
        ("decode", timings.decode),
    ];
    let timings = parts.map(|(part, seconds)| (part.to_owned(), seconds)).to_vec();
    Ok(Made { timings, notes: Vec::new() })
}

/// What was made so far; what another version of the program or the model left is thrown away.
fn open_state(folder: &Path, plan: &Plan, record: &serde_json::Value) -> Result<State, Refusal> {
    match State::open(folder, plan, record) {
        Err(engine::Error::Malformed { .. }) => {
            fs::remove_dir_all(folder).map_err(internal)?;
            State::open(folder, plan, record).map_err(|error| refusal::of(&error))
        }
        state => state.map_err(|error| refusal::of(&error)),
    }
}

/// Tells a client how far the work is.
struct Teller<'a, 'b> {
    told: &'a RefCell<&'b mut dyn Observer>,
    /// For the picture of a preview on its way.
    folder: PathBuf,
    denoised: f64,
    decoded: f64,
    /// What was seen last and not told yet.
    preview: Option<Preview>,
    last: Option<Instant>,
}

impl engine::Observer for Teller<'_, '_> {
    fn observe(&mut self, progress: engine::Progress) -> ControlFlow<()> {
        let engine::Progress { stage, step, total } = progress;
        let share = step as f64 / total.max(1) as f64;
        match stage {
            Stage::Text => {}
            Stage::Denoise => self.denoised = share,
            Stage::Decode => self.decoded = share,
        }
        let text = if stage == Stage::Text { TEXT * share } else { TEXT };
        let done = text + DENOISE * self.denoised + (1.0 - TEXT - DENOISE) * self.decoded;
        self.told.borrow_mut().progress(Progress {
            stage: &stage.to_string(),
            step: step as u64,
            total: total as u64,
            done,
            preview: self.preview.take(),
        })
    }

    fn wants_previews(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= PREVIEW_EVERY)
    }

    fn preview(&mut self, preview: &engine::Preview) {
        // A preview that cannot be made is no reason to stop.
        if let Some(bytes) = picture(&preview.clip, &self.folder.join("preview.png")) {
            self.preview = Some(Preview { media_type: "image/png", bytes });
            self.last = Some(Instant::now());
            let _ = engine::Observer::observe(self, preview.progress);
        }
    }
}

/// The middle frame of a clip as a PNG.
fn picture(clip: &Clip, file: &Path) -> Option<Vec<u8>> {
    let middle = clip.frame(clip.num_frames() / 2)?.to_vec();
    let still = Clip::still(clip.width(), clip.height(), middle).ok()?;
    media::write(&still, file, None).ok()?;
    fs::read(file).ok()
}
