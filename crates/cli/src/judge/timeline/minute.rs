//! A minute of each of ten prompts: whether its end is as good as its beginning.

use anyhow::Result;
use judge::suite::{Case, Check};

use super::{SCORE, SCORE_OF_FIRST, SCORE_OF_LAST, SHARPNESS, Work, inputs, same_things};

/// Prompts.
pub(super) const CASES: usize = 10;
const SECONDS: f64 = 60.0;
/// Of the beginning and of the end, the seconds that are compared.
const COMPARED: f64 = 4.0;
/// What the end keeps of the beginning, at least.
const KEEPS: f64 = 0.9;

impl Work<'_> {
    pub(super) fn minute(&self, number: usize) -> Result<Case> {
        let prompt = inputs::prompt(number);
        let mut request = self.request(&prompt.prompt, number);
        request.seconds = Some(SECONDS);
        let (_, made) = self.make(&format!("minute-{number:02}"), &request)?;
        let (count, part) = (made.num_frames(), (COMPARED * made.fps()) as usize);
        let [first, last] = [0..part, count - part..count];
        let first = self.judge(&made, first, &prompt.prompt)?;
        let last = self.judge(&made, last, &prompt.prompt)?;
        let sharpness = last.measures.sharpness / first.measures.sharpness.max(f32::MIN_POSITIVE);
        let checks = vec![
            Check::at_least(KEEPS, SHARPNESS, f64::from(sharpness)),
            Check::at_least(KEEPS, SCORE, f64::from(last.score() / first.score().max(f32::MIN_POSITIVE))),
            same_things(&last),
            Check::at_least(0.0, SCORE_OF_FIRST, f64::from(first.score())),
            Check::at_least(0.0, SCORE_OF_LAST, f64::from(last.score())),
        ];
        let strips = vec![self.strip("a minute", &made)?];
        Ok(Case { task: "minute", number, prompt: prompt.prompt, checks, strips })
    }
}
