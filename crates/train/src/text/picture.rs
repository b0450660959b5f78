//! What the words about a thing have to tell of it: what it is, and where in the frame it is seen.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use world::{Action, Caption, ClipSpec, Colour, Kind, Language, Scene, Size, Split};

use crate::random::{Purpose, rng};

/// Columns and rows of the frame that are told apart.
pub const CELLS: usize = 5;

/// A question about a thing: its name in the logs, and how many answers it has.
pub type Question = (&'static str, usize);

/// What is asked.
pub const QUESTIONS: [Question; 8] = [
    ("thing", Kind::ALL.len()),
    ("colour", Colour::ALL.len()),
    ("size", Size::ALL.len()),
    ("action", Action::ALL.len()),
    ("first_column", CELLS),
    ("first_row", CELLS),
    ("last_column", CELLS),
    ("last_row", CELLS),
];

/// The answers about one thing, in the order of [`QUESTIONS`].
pub type Answers = [usize; QUESTIONS.len()];

/// How many answers all questions have together.
pub fn all_answers() -> usize {
    QUESTIONS.iter().map(|(_, answers)| answers).sum()
}

/// Where each answer stands among the answers to all questions.
pub fn classes(answers: &Answers) -> Answers {
    let mut start = 0;
    std::array::from_fn(|question| {
        let class = start + answers[question];
        start += QUESTIONS[question].1;
        class
    })
}

/// A scene, and where its things are seen.
pub struct Picture {
    scene: Scene,
    /// The column and the row of each thing in each frame.
    cells: Vec<Vec<[usize; 2]>>,
}

/// A caption with the answers about every thing.
pub struct Captioned {
    pub caption: Caption,
    pub answers: Vec<Answers>,
    /// The first and the last frame that it is about.
    pub frames: [usize; 2],
}

impl Picture {
    /// So many pictures of one side of the split; the same seed gives the same.
    pub fn draw(count: usize, split: Split, seed: u64) -> Vec<Self> {
        let purpose = match split {
            Split::Train => Purpose::Scene,
            Split::HeldOut => Purpose::Evaluation,
        };
        let draw = |index: usize| Self::of(Scene::sample(rng(seed, purpose, index as u64).random(), split));
        (0..count).into_par_iter().map(draw).collect()
    }

    fn of(scene: Scene) -> Self {
        let spec = ClipSpec::default();
        let truth = world::simulate(&scene, &spec);
        let cell = |position: f32, length: usize| {
            ((position / length as f32 * CELLS as f32).max(0.0) as usize).min(CELLS - 1)
        };
        let cells = truth.frames.iter().map(|frame| {
            let centre = |thing: &world::ThingState| frame.camera.project(thing.position, &spec);
            let of_thing = |thing| {
                centre(thing).map_or([CELLS / 2; 2], |at| [cell(at.x, spec.width), cell(at.y, spec.height)])
            };
            frame.things.iter().map(of_thing).collect()
        });
        Self { cells: cells.collect(), scene }
    }

    /// One of its captions: of the clip or of a frame, with more or less left out.
    pub fn caption(&self, language: Language, rng: &mut ChaCha8Rng) -> Captioned {
        let is_still = rng.random();
        let caption = match (is_still, rng.random()) {
            (false, false) => world::caption(&self.scene, language, rng),
            (false, true) => world::dense_caption(&self.scene, language, rng),
            (true, false) => world::still_caption(&self.scene, language, rng),
            (true, true) => world::dense_still_caption(&self.scene, language, rng),
        };
        let last = self.cells.len() - 1;
        let frames = if is_still { [rng.random_range(0..=last); 2] } else { [0, last] };
        let answers = (0..self.scene.things.len()).map(|thing| self.answers(thing, frames)).collect();
        Captioned { caption, answers, frames }
    }

    /// A frame of it, as RGB.
    pub fn frame(&self, frame: usize) -> Vec<u8> {
        let spec = ClipSpec::default();
        world::render_frame(&self.scene, &world::simulate(&self.scene, &spec), &spec, frame)
    }

    fn answers(&self, thing: usize, [first, last]: [usize; 2]) -> Answers {
        let is = &self.scene.things[thing];
        let action = if thing == 0 { self.scene.events[0].action } else { Action::Rests };
        let [[first_column, first_row], [last_column, last_row]] =
            [first, last].map(|frame| self.cells[frame][thing]);
        let [kind, colour, size] = [is.kind as usize, is.colour as usize, is.size as usize];
        [kind, colour, size, action as usize, first_column, first_row, last_column, last_row]
    }
}

#[cfg(test)]
mod tests {
    use world::Relation;

    use super::*;

    #[test]
    fn answers_are_those_of_the_scene() {
        let pictures = Picture::draw(200, Split::Train, 4);
        let mut beside = 0;
        for picture in &pictures {
            let mut rng = rng(1, Purpose::Batch, 0);
            let Captioned { caption, answers, .. } = picture.caption(Language::English, &mut rng);
            let words: Vec<&str> = caption.text.split([' ', ',']).collect();
            for (thing, answers) in picture.scene.things.iter().zip(&answers) {
                let name = serde_json::to_value(Kind::ALL[answers[0]]).unwrap();
                assert!(words.contains(&name.as_str().unwrap()), "{}", caption.text);
                assert_eq!(Colour::ALL[answers[1]], thing.colour);
                assert!(answers.iter().zip(QUESTIONS).all(|(&answer, (_, answers))| answer < answers));
            }
            let relation = picture.scene.neighbours.first().and_then(|neighbour| neighbour.relation);
            let columns = [0, 1].map(|thing| picture.cells[0].get(thing).map(|cell| cell[0]));
            if let (Some(Relation::LeftOf), [Some(main), Some(other)]) = (relation, columns) {
                assert!(main <= other, "{}", caption.text);
                beside += 1;
            }
        }
        assert!(beside > 5, "{beside} of 200 scenes have something to the left of something");
    }

    #[test]
    fn pictures_repeat_and_the_splits_do_not_meet() {
        let scenes =
            |split, seed| Picture::draw(8, split, seed).into_iter().map(|p| p.scene).collect::<Vec<_>>();
        assert_eq!(scenes(Split::Train, 1), scenes(Split::Train, 1));
        assert_ne!(scenes(Split::Train, 1), scenes(Split::Train, 2));
        assert!(scenes(Split::HeldOut, 1).iter().all(|scene| !world::HeldOut::of(scene).is_empty()));
    }
}
