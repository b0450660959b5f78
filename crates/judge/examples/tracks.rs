//! Follows the things of clips of the world, and writes what the reader of events learns from.
//!
//!     cargo run --release -p kinora-judge --example tracks -- WEIGHTS OUTPUT FOLDER...
//!
//! Each folder is one that `kinora world` wrote. `OUTPUT.f32` has the features of each track, frame after frame;
//! `OUTPUT.jsonl` has a line for each track with what it does in each frame.

use std::{
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use judge::{
    Judge,
    events::features,
    lessons::motion,
    look::Footage,
    tracks::{Sighting, Track},
};
use serde::Deserialize;
use serde_json::json;
use world::{GroundTruth, Scene, ThingState};

#[derive(Deserialize)]
struct Record {
    scene: Scene,
    truth: GroundTruth,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<PathBuf> = std::env::args().skip(1).map(Into::into).collect();
    let [weights, output, folders @ ..] = args.as_slice() else {
        return Err("expected WEIGHTS OUTPUT FOLDER...".into());
    };
    let judge = Judge::without_events(weights)?;
    let mut values = BufWriter::new(File::create(output.with_extension("f32"))?);
    let mut lines = BufWriter::new(File::create(output.with_extension("jsonl"))?);
    for folder in folders {
        let mut records: Vec<PathBuf> =
            fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        records.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        records.sort();
        for record in &records {
            follow(&judge, record, &mut values, &mut lines)?;
        }
    }
    Ok(())
}

fn follow(
    judge: &Judge,
    record: &Path,
    values: &mut impl Write,
    lines: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let Record { scene, truth } = serde_json::from_slice(&fs::read(record)?)?;
    let clip = media::read(&record.with_extension("mp4"))?;
    let footage = Footage::new(&clip)?;
    let (sight, tracks) = judge.follow(&footage)?;
    let last = truth.frames.len() - 2;
    for thing in 0..scene.things.len() {
        let Some(track) = nearest(&tracks, &truth, thing) else { continue };
        let moves =
            (0..truth.frames.len()).map(|frame| motion(&scene, &truth, frame.clamp(1, last), thing).event);
        let labels: Vec<[i64; 2]> = moves
            .map(|event| match event {
                Some(event) => [event.action as i64, event.direction.map_or(0, |way| 1 + way as i64)],
                None => [-1, -1],
            })
            .collect();
        for value in features(&sight, &tracks, track) {
            values.write_all(&value.to_le_bytes())?;
        }
        writeln!(
            lines,
            "{}",
            json!({ "clip": record, "thing": thing, "labels": labels, "camera": scene.camera as usize })
        )?;
    }
    Ok(())
}

/// The track that is where a thing is, for the longest; none if there is no such.
fn nearest(tracks: &[Track], truth: &GroundTruth, thing: usize) -> Option<usize> {
    let frames_at = |track: &Track| {
        let is_there = |&(frame, sighting): &(usize, &Sighting)| {
            let away = |state: &ThingState| {
                state.screen_box.map_or(f32::INFINITY, |on| sighting.centre.distance((on.min + on.max) / 2.0))
            };
            let others = truth.frames[frame].things.iter().enumerate();
            let closest = others.min_by(|a, b| away(a.1).total_cmp(&away(b.1)));
            closest.is_some_and(|(index, state)| {
                index == thing && away(state) < 0.6 * sighting.extent.max_element()
            })
        };
        track.seen().filter(is_there).count()
    };
    let best = (0..tracks.len()).max_by_key(|&track| frames_at(&tracks[track]))?;
    (3 * frames_at(&tracks[best]) > truth.frames.len()).then_some(best)
}
