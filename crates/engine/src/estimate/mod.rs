//! How long a video will take, part by part, before it is made.

mod rates;

use serde::Serialize;

pub(crate) use rates::{Rates, seconds_for_a_value};

use crate::Plan;

/// About how many seconds each part of a video takes on this machine, when the model is opened for it alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TimePlan {
    /// Reading the prompt; next to nothing where what was made of it is kept from before.
    pub text: f64,
    /// Reading the denoiser's weights.
    pub load: f64,
    /// All steps.
    pub denoise: f64,
    /// Decoding all frames.
    pub decode: f64,
}

/// How fast a model is on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub rates: Rates,
    /// Seconds to read a weight; 0 where the weights are in memory.
    pub value: f64,
}

impl TimePlan {
    /// All parts.
    pub fn total(&self) -> f64 {
        self.text + self.load + self.denoise + self.decode
    }

    /// Of a plan; `is_read` is whether what is made of its prompts is kept from before.
    pub(crate) fn new(plan: &Plan, Pace { rates, value }: &Pace, is_read: bool) -> Self {
        let info = &plan.model;
        let tokens = plan.token_grid.iter().map(|&tokens| tokens as f64).product::<f64>();
        let call = info.denoiser().num_layers() as f64 * tokens * (rates.token + tokens * rates.pair);
        let windows = plan.layout.windows.len() as f64;
        let calls = windows * plan.schedule.num_steps() as f64 * if plan.guided() { 2.0 } else { 1.0 };
        let pixels = (plan.num_frames * plan.size.width * plan.size.height) as f64;
        let is_whole = plan.autoencoder == info.autoencoder;
        let pixel = if is_whole { rates.pixel } else { rates.small_pixel };
        let read = |values: u64| values as f64 * value;
        Self {
            text: if is_read { 0.0 } else { read(info.num_values.text_encoder) },
            load: info.experts.iter().map(|expert| read(expert.num_values)).sum(),
            denoise: calls * call,
            decode: pixels * pixel + read(info.num_values.autoencoder),
        }
    }
}
