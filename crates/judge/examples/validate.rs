//! Judges clips of the world that no network of the judge has learnt from, and says how often it is right.
//!
//!     cargo run --release -p kinora-judge --example validate -- CLIPS [FAULTY_CLIPS [WEIGHTS [FIRST]]]
//!
//! Every clip is written as MP4 and read back. Only what can be seen is asked: a thing counts if at least half of it is
//! in view in at least half of the frames; clips with a thing that does not are left out.

use std::{collections::BTreeMap, error::Error, path::Path};

use judge::{
    Judge, Tally,
    degrade::{ClipFault, spoil},
    lessons::{VALIDATION, lesson_scene},
    prompts::is_in_view,
    verdict::{Verdict, verdict},
};
use media::Clip;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use world::{Claims, ClipSpec, EventClaim, GroundTruth, Language, Scene, ThingClaim, caption};

/// As a percentage with its interval.
fn text(tally: &Tally) -> String {
    let [low, high] = tally.interval().map(|share| 100.0 * share);
    format!("{} | {low:.1} to {high:.1} % | {} of {}", tally.percent(), tally.right, tally.all)
}

struct Case {
    scene: Scene,
    clip: Clip,
    verdict: Verdict,
    prompt: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let clips: usize = args.first().map_or(Ok(200), |count| count.parse())?;
    let faulty: usize = args.get(1).map_or(Ok(40), |count| count.parse())?;
    let judge = match args.get(2) {
        Some(folder) => Judge::load(Path::new(folder))?,
        None => Judge::embedded()?,
    };
    let mut cases = Vec::new();
    let mut by_claim: BTreeMap<&'static str, Tally> = BTreeMap::new();
    let (mut prompts, mut quality, mut wrong) = (Tally::default(), Tally::default(), Tally::default());
    let mut sceneries = Vec::new();
    // Choices are made on scenes from another number on.
    let first: u64 = args.get(3).map_or(Ok(VALIDATION), |first| first.parse())?;
    let mut number = first;
    while cases.len() < clips {
        let scene = lesson_scene(number);
        number += 1;
        let truth = world::simulate(&scene, &ClipSpec::default());
        if !is_in_view(&truth) {
            continue;
        }
        let clip = written(&scene, &truth)?;
        let scenery = judge.look(&clip)?;
        let whole = verdict(&scenery, &Claims::of_scene(&scene)).with_gravity(scene.gravity);
        for finding in &whole.findings {
            by_claim.entry(finding.claim.name()).or_default().add(finding.holds);
            if !finding.holds && std::env::var_os("SHOW").is_some() {
                println!(
                    "{} {:?}: {} not {}: {}",
                    scene.seed - (1 << 40) - first,
                    finding.claim,
                    finding.found,
                    finding.expected,
                    caption(&scene, Language::English, &mut ChaCha8Rng::seed_from_u64(1)).text
                );
            }
        }
        for (name, holds) in [("free fall", whole.falls_freely), ("same behind another", whole.kept_behind)] {
            holds.into_iter().for_each(|holds| by_claim.entry(name).or_default().add(holds));
        }
        quality.add(whole.flawless);
        let language = if cases.len() % 2 == 0 { Language::English } else { Language::Chinese };
        let prompt = caption(&scene, language, &mut ChaCha8Rng::seed_from_u64(scene.seed)).text;
        prompts.add(verdict(&scenery, &Claims::of_prompt(&prompt)).all_right);
        sceneries.push(scenery);
        cases.push(Case { scene, clip, verdict: whole, prompt });
    }
    for (index, scenery) in sceneries.iter().enumerate() {
        for step in [1, 7, 31] {
            let other = &cases[(index + step) % cases.len()];
            let claims = Claims::of_prompt(&other.prompt);
            if !is_true(&claims, &Claims::of_scene(&cases[index].scene)) {
                wrong.add(!verdict(scenery, &claims).all_right);
            }
        }
    }
    println!("| what | right | interval | clips |\n|---|---|---|---|");
    for (name, tally) in &by_claim {
        println!("| {name} | {} |", text(tally));
    }
    println!("| all of a prompt | {} |", text(&prompts));
    println!("| no flaw | {} |", text(&quality));
    println!("| another clip's prompt refused | {} |", text(&wrong));
    falls(&cases);
    println!("\n| fault | passes | interval | clips | mean score |\n|---|---|---|---|---|");
    let faults = [
        None,
        Some(ClipFault::Blurred(0.5)),
        Some(ClipFault::Blurred(1.0)),
        Some(ClipFault::Blurred(1.5)),
        Some(ClipFault::Blurred(2.0)),
        Some(ClipFault::Blurred(3.0)),
        Some(ClipFault::Blurred(4.0)),
        Some(ClipFault::Dropped(0.25)),
        Some(ClipFault::Dropped(0.5)),
        Some(ClipFault::Dropped(0.75)),
        Some(ClipFault::Frozen),
        Some(ClipFault::Shuffled),
        Some(ClipFault::Reversed),
        Some(ClipFault::Mirrored),
    ];
    for fault in faults {
        let (mut passed, mut score) = (Tally::default(), 0.0);
        for case in cases.iter().take(faulty) {
            let clip =
                fault.map_or_else(|| case.clip.clone(), |fault| spoil(&case.clip, fault, case.scene.seed));
            let found = judge.judge(&clip, &Claims::of_scene(&case.scene))?;
            passed.add(found.all_right && found.flawless);
            score += found.score() / faulty.min(cases.len()) as f32;
        }
        println!("| {fault:?} | {} | {score:.3} |", text(&passed));
    }
    Ok(())
}

/// Errors of gravity and restitution where something drops.
fn falls(cases: &[Case]) {
    let mut errors: Vec<f32> = Vec::new();
    let (mut fits, mut bounces) = (Vec::new(), Vec::new());
    for case in cases.iter().filter(|case| case.scene.events[0].action.drops()) {
        let Some(fall) = case.verdict.fall else { continue };
        errors.push((fall.gravity / case.scene.gravity - 1.0).abs());
        fits.push(fall.r_squared);
        if let Some(restitution) = fall.restitution.filter(|_| case.scene.restitution > 0.5) {
            bounces.push((restitution - case.scene.restitution).abs());
        }
    }
    let median = |values: &mut Vec<f32>| {
        values.sort_by(f32::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f32::NAN)
    };
    println!(
        "\nfree fall: {} clips, median error of gravity {:.1} %, median R² {:.4}, median error of restitution {:.3} ({} clips)",
        errors.len(),
        100.0 * median(&mut errors),
        median(&mut fits),
        median(&mut bounces),
        bounces.len()
    );
}

/// Whether a prompt may be true of a scene: it is not where anything that it says is otherwise there.
fn is_true(prompt: &Claims, scene: &Claims) -> bool {
    fn agree<T: PartialEq>(said: Option<T>, is: Option<T>) -> bool {
        said.is_none() || said == is
    }
    let is_there = |said: &ThingClaim| {
        scene.things.iter().any(|thing| {
            said.kind == thing.kind && agree(said.colour, thing.colour) && agree(said.size, thing.size)
        })
    };
    let happens = |(said, event): (&EventClaim, &EventClaim)| {
        said.action == event.action && agree(said.direction, event.direction)
    };
    prompt.count() == scene.count()
        && prompt.things.iter().all(is_there)
        && (prompt.events.is_empty() || prompt.events.len() == scene.events.len())
        && prompt.events.iter().zip(&scene.events).all(happens)
        && agree(prompt.ground, scene.ground)
        && agree(prompt.time_of_day, scene.time_of_day)
        && agree(prompt.weather, scene.weather)
        && agree(prompt.camera, scene.camera)
}

/// The clip as it is read back from an MP4.
fn written(scene: &Scene, truth: &GroundTruth) -> Result<Clip, Box<dyn Error>> {
    let spec = ClipSpec::default();
    let pixels = world::render(scene, truth, &spec);
    let clip = Clip::new(spec.width, spec.height, f64::from(spec.fps), pixels)?;
    let path = std::env::temp_dir().join(format!("kinora-judge-{}.mp4", std::process::id()));
    media::write(&clip, &path, None)?;
    let read = media::read(&path);
    std::fs::remove_file(&path)?;
    Ok(read?)
}
