//! Prints captions of the first scenes, in both languages, for a clip and for a still.
//!
//! `cargo run --release -p kinora-world --example captions -- [scenes] [first seed]`

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use world::{Language, Scene, Split, caption, still_caption};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(Ok(20), |count| count.parse())?;
    let first: u64 = arguments.next().map_or(Ok(0), |first| first.parse())?;
    for seed in first..first + count {
        let scene = Scene::sample(seed, Split::Train);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for language in Language::ALL {
            println!("{seed:4} clip:  {}", caption(&scene, language, &mut rng).text);
            println!("{seed:4} still: {}", still_caption(&scene, language, &mut rng).text);
        }
    }
    Ok(())
}
