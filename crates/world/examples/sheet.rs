//! Draws scenes as one contact sheet: a row for each scene, a column for each of a few frames.
//!
//! `cargo run --release -p kinora-world --example sheet -- sheet.png [rows] [first seed] [WxH]`

use std::time::Instant;

use world::{ClipSpec, Scene, Split, render_frame, simulate};

const COLUMNS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let output = arguments.next().unwrap_or_else(|| "sheet.png".into());
    let rows: usize = arguments.next().map_or(Ok(8), |rows| rows.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    let size = arguments.next().unwrap_or_else(|| "128x128".into());
    let (width, height) = size.split_once('x').ok_or("the size is WIDTHxHEIGHT, such as 128x128")?;
    let spec = ClipSpec { width: width.parse()?, height: height.parse()?, ..ClipSpec::default() };

    let mut sheet = image::RgbImage::new((COLUMNS * spec.width) as u32, (rows * spec.height) as u32);
    let (mut simulating, mut rendering) = (0.0, 0.0);
    for row in 0..rows {
        let scene = Scene::sample(seed + row as u64, Split::Train);
        let start = Instant::now();
        let truth = simulate(&scene, &spec);
        simulating += start.elapsed().as_secs_f64();
        let start = Instant::now();
        for column in 0..COLUMNS {
            let frame = column * (spec.num_frames - 1) / (COLUMNS - 1);
            let pixels = render_frame(&scene, &truth, &spec, frame);
            let image = image::RgbImage::from_raw(spec.width as u32, spec.height as u32, pixels)
                .ok_or("the frame has the wrong size")?;
            image::imageops::replace(
                &mut sheet,
                &image,
                (column * spec.width) as i64,
                (row * spec.height) as i64,
            );
        }
        rendering += start.elapsed().as_secs_f64();
        println!(
            "{row:3} {:?} {:?}",
            scene.things.iter().map(|t| (t.colour, t.kind)).collect::<Vec<_>>(),
            scene.events
        );
    }
    sheet.save(&output)?;
    let frames = (rows * COLUMNS) as f64;
    println!(
        "simulating: {:.2} ms a clip; rendering: {:.2} ms a frame",
        1e3 * simulating / rows as f64,
        1e3 * rendering / frames
    );
    Ok(())
}
