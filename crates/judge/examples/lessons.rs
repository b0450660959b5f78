//! Writes clips of the world, or three frames of each, with the exact truth about them, for trainings
//! elsewhere.
//!
//!     cargo run --release -p kinora-judge --example lessons -- FOLDER FIRST COUNT FRAMES
//!
//! `frames.u8` has 8-bit RGB of 128×128 pixels, frame after frame; `truth.jsonl` has a line for each lesson.

use std::{
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write},
    path::PathBuf,
};

use judge::lessons::{camera_rates, lesson_scene, motion};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use world::{ClipSpec, GroundTruth, Scene};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, first, count, frames] = args.as_slice() else {
        return Err("expected FOLDER FIRST COUNT FRAMES".into());
    };
    let (folder, first, count): (PathBuf, u64, u64) = (folder.into(), first.parse()?, count.parse()?);
    let frames: usize = frames.parse()?;
    fs::create_dir_all(&folder)?;
    let mut pixels = BufWriter::new(File::create(folder.join("frames.u8"))?);
    let mut truths = BufWriter::new(File::create(folder.join("truth.jsonl"))?);
    for number in first..first + count {
        let scene = lesson_scene(number);
        let spec = ClipSpec::default();
        let truth = world::simulate(&scene, &spec);
        let start = ChaCha8Rng::seed_from_u64(number).random_range(0..=spec.num_frames - frames);
        for frame in start..start + frames {
            pixels.write_all(&world::render_frame(&scene, &truth, &spec, frame))?;
        }
        let told: Vec<Value> = (start..start + frames).map(|frame| tell(&scene, &truth, frame)).collect();
        let line = json!({
            "ground": scene.ground as usize,
            "time_of_day": scene.time_of_day as usize,
            "weather": scene.weather as usize,
            "camera": scene.camera as usize,
            "things": scene.things.iter().map(|t| [t.kind as usize, t.colour as usize, t.size as usize]).collect::<Vec<_>>(),
            "frames": told,
        });
        writeln!(truths, "{line}")?;
    }
    Ok(())
}

/// For each thing its box, how much of it is seen, its distance and how it moves; and how the camera does.
fn tell(scene: &Scene, truth: &GroundTruth, frame: usize) -> Value {
    let last = truth.frames.len() - 1;
    let inner = frame.clamp(1, last - 1);
    let now = &truth.frames[frame];
    let things = (0..scene.things.len()).map(|thing| {
        let state = &now.things[thing];
        let on = state.screen_box.map(|on| [on.min.x, on.min.y, on.max.x, on.max.y]);
        let m = motion(scene, truth, inner, thing);
        json!({
            "box": on,
            "visibility": state.visibility,
            "distance": state.position.distance(now.camera.position),
            "moves": [m.velocity.x, m.velocity.y, m.velocity.z, m.spin.x, m.spin.y, m.spin.z, m.height, m.stride, m.wings],
            "action": m.event.map(|event| event.action as usize),
        })
    });
    json!({
        "things": things.collect::<Vec<_>>(),
        "camera": camera_rates(&truth.frames[inner - 1], &truth.frames[inner + 1]),
    })
}
