//! What goes on from given frames, or leads to them: animate, extend, connect, interpolate and loop.

use anyhow::Result;
use engine::Side;
use judge::suite::{
    Case, Check,
    joins::{join, least_psnr, seam},
};

use super::{ALIKE, FIRST_FRAME, GIVEN_FRAMES, JOIN, SEAM, Work, inputs, same_things};

/// The largest step at a join, over the clip's median one.
const JUMP: f64 = 1.5;
/// Seconds that are made.
const EXTENDED: f64 = 2.0;
const CONNECTED: f64 = 1.5;
const LOOPED: f64 = 3.0;
/// Frames a second that are filled up to.
const FILLED: f64 = 16.0;

impl Work<'_> {
    /// The first frame of a scene, animated by its prompt.
    pub(super) fn animate(&self, number: usize) -> Result<Case> {
        let prompt = inputs::prompt(number);
        let real = self.clip(&inputs::scene(&prompt))?;
        let (file, picture) =
            self.write(&format!("animate-{number:02}-in"), &inputs::picture(&real)?, None)?;
        let request = self.request(&prompt.prompt, number).animate(&file, None)?;
        let (_, made) = self.make(&format!("animate-{number:02}"), &request)?;
        let verdict = self.judge(&made, 0..made.num_frames(), &prompt.prompt)?;
        let checks = vec![
            Check::at_least(ALIKE, FIRST_FRAME, least_psnr([&made, &picture], [0, 0], 1)),
            same_things(&verdict),
        ];
        let strips = vec![self.strip("the world's own clip", &real)?, self.strip("animated", &made)?];
        Ok(Case { task: "animate", number, prompt: prompt.prompt, checks, strips })
    }

    /// A clip that goes on, every other one before its beginning.
    pub(super) fn extend(&self, number: usize) -> Result<Case> {
        let prompt = inputs::prompt(number);
        let (file, given) =
            self.write(&format!("extend-{number:02}-in"), &self.clip(&inputs::scene(&prompt))?, None)?;
        let side = if number % 4 < 2 { Side::Forward } else { Side::Backward };
        let request =
            self.request(&prompt.prompt, number).extend(&file, side, EXTENDED, self.pipeline.info())?;
        let (_, made) = self.make(&format!("extend-{number:02}"), &request)?;
        let count = given.num_frames();
        let anew = made.num_frames() - count;
        // Where the given frames are, where the new ones meet them, and the new ones with one that was given.
        let (at, joint, new) = match side {
            Side::Forward => (0, count, count - 1..made.num_frames()),
            Side::Backward => (anew, anew, 0..anew + 1),
        };
        let verdict = self.judge(&made, new, &prompt.prompt)?;
        let checks = vec![
            Check::at_least(ALIKE, GIVEN_FRAMES, least_psnr([&made, &given], [at, 0], count)),
            Check::at_most(JUMP, JOIN, join(&made, joint)),
            same_things(&verdict),
        ];
        let caption = if side == Side::Forward { "extended forward" } else { "extended backward" };
        let strips = vec![self.strip("given", &given)?, self.strip(caption, &made)?];
        Ok(Case { task: "extend", number, prompt: prompt.prompt, checks, strips })
    }

    /// Two clips, and what leads from one to the other.
    pub(super) fn connect(&self, number: usize) -> Result<Case> {
        let [first, second] = [2 * number, 2 * number + 1].map(inputs::prompt);
        let given = |name: &str, prompt| {
            self.write(&format!("connect-{number:02}-{name}"), &self.clip(&inputs::scene(prompt))?, None)
        };
        let (first_file, first_clip) = given("first", &first)?;
        let (second_file, second_clip) = given("second", &second)?;
        let request = self.request(&first.prompt, number).connect(
            &first_file,
            &second_file,
            CONNECTED,
            self.pipeline.info(),
        )?;
        let (_, made) = self.make(&format!("connect-{number:02}"), &request)?;
        let [before, behind] = [&first_clip, &second_clip].map(media::Clip::num_frames);
        let second_at = made.num_frames() - behind;
        let alike = least_psnr([&made, &first_clip], [0, 0], before).min(least_psnr(
            [&made, &second_clip],
            [second_at, 0],
            behind,
        ));
        let checks = vec![
            Check::at_least(ALIKE, GIVEN_FRAMES, alike),
            Check::at_most(JUMP, JOIN, join(&made, before)),
            Check::at_most(JUMP, JOIN, join(&made, second_at)),
        ];
        let strips = vec![self.strip("both, and what leads from one to the other", &made)?];
        let prompt = format!("{} → {}", first.prompt, second.prompt);
        Ok(Case { task: "connect", number, prompt, checks, strips })
    }

    /// A clip at twice its rate.
    pub(super) fn interpolate(&self, number: usize) -> Result<Case> {
        let prompt = inputs::prompt(number);
        let (file, given) =
            self.write(&format!("interpolate-{number:02}-in"), &self.clip(&inputs::scene(&prompt))?, None)?;
        let request = self.request(&prompt.prompt, number).interpolate(&file, FILLED)?;
        let (_, made) = self.make(&format!("interpolate-{number:02}"), &request)?;
        let every = (FILLED / given.fps()).round() as usize;
        let alike = (0..given.num_frames())
            .map(|frame| least_psnr([&made, &given], [frame * every, frame], 1))
            .fold(99.0, f64::min);
        let checks = vec![Check::at_least(ALIKE, GIVEN_FRAMES, alike)];
        let strips = vec![self.strip("given", &given)?, self.strip("with twice as many frames", &made)?];
        Ok(Case { task: "interpolate", number, prompt: prompt.prompt, checks, strips })
    }

    /// A prompt as a loop.
    pub(super) fn make_loop(&self, number: usize) -> Result<Case> {
        let prompt = inputs::prompt(number);
        let mut request = self.request(&prompt.prompt, number);
        (request.is_loop, request.seconds) = (true, Some(LOOPED));
        let (_, made) = self.make(&format!("loop-{number:02}"), &request)?;
        let verdict = self.judge(&made, 0..made.num_frames(), &prompt.prompt)?;
        let checks = vec![Check::at_most(1.0, SEAM, seam(&made)), same_things(&verdict)];
        let strips = vec![self.strip("from the beginning to the end, which leads into it", &made)?];
        Ok(Case { task: "loop", number, prompt: prompt.prompt, checks, strips })
    }
}
