//! Storyboards of two spans.

use anyhow::Result;
use engine::Span;
use judge::{
    suite::{Case, Check},
    verdict::Claim,
};
use world::{ClipSpec, Scene};

use super::{SAME_THINGS, SPAN, SPAN_OF_WORLD, Work, inputs, shows_things};

/// Of each span.
const SECONDS: f64 = 2.0;

impl Work<'_> {
    /// What a thing does first, and what it does then, each as a span.
    pub(super) fn storyboard(&self, number: usize) -> Result<Case> {
        let scene = inputs::own_scenes().filter(tells_two_things).nth(number).expect("there are more");
        let prompts = [0, 1].map(|index| {
            let of_span = Scene { events: vec![scene.events[index]], ..scene.clone() };
            inputs::words(&of_span, number, world::dense_caption)
        });
        let mut request = self.request("", number);
        request.spans = prompts
            .iter()
            .zip([0.0, SECONDS])
            .map(|(prompt, from)| Span { from, to: from + SECONDS, prompt: prompt.clone() })
            .collect();
        request.seconds = Some(2.0 * SECONDS);
        let (_, made) = self.make(&format!("storyboard-{number:02}"), &request)?;
        let real = inputs::clip(&scene, ClipSpec { num_frames: made.num_frames(), ..self.spec() })?;
        let cut = (SECONDS * made.fps()).round() as usize;
        let mut checks = Vec::new();
        for (prompt, frames) in prompts.iter().zip([0..cut, cut..made.num_frames()]) {
            let verdict = self.judge(&made, frames.clone(), prompt)?;
            checks.push(Check::of_prompt(SPAN, &verdict.findings));
            checks.push(Check::is(SAME_THINGS, shows_things(&verdict)));
            // Its camera takes both spans for what is asked of it in each.
            let of_world = self.judge(&real, frames, prompt)?.findings;
            let but_camera = of_world.iter().filter(|finding| finding.claim != Claim::Camera);
            checks.push(Check::of_prompt(SPAN_OF_WORLD, but_camera));
        }
        let strips = vec![self.strip("both spans", &made)?, self.strip("the world's own clip", &real)?];
        Ok(Case { task: "storyboard", number, prompt: prompts.join(" → "), checks, strips })
    }
}

fn tells_two_things(scene: &Scene) -> bool {
    scene.events.len() == 2 && scene.things.len() == 1
}
