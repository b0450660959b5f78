//! Draws scenes as one contact sheet: a row for each scene, a column for each of a few frames.
//!
//! `cargo run --release -p kinora-world --example sheet -- sheet.png [rows] [first seed] [WxH]`

use std::time::Instant;

use world::{ClipSpec, Scene, Split, render, simulate};

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
        let pixels = render(&scene, &truth, &spec);
        rendering += start.elapsed().as_secs_f64();
        let frames: Vec<&[u8]> = pixels.chunks(spec.width * spec.height * 3).collect();
        for column in 0..COLUMNS {
            let frame = frames[column * (spec.num_frames - 1) / (COLUMNS - 1)].to_vec();
            let image = image::RgbImage::from_raw(spec.width as u32, spec.height as u32, frame)
                .ok_or("the frame has the wrong size")?;
            let (x, y) = (column * spec.width, row * spec.height);
            image::imageops::replace(&mut sheet, &image, x as i64, y as i64);
        }
        let things: Vec<_> = scene.things.iter().map(|thing| (thing.colour, thing.kind)).collect();
        println!("{row:3} {things:?} {:?}", scene.events);
    }
    sheet.save(&output)?;
    let clips = rows as f64;
    println!("simulating: {:.1} ms a clip", 1e3 * simulating / clips);
    println!("rendering:  {:.1} ms a clip, {:.1} clips a second", 1e3 * rendering / clips, clips / rendering);
    Ok(())
}
