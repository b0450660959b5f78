//! Guidance: wrappers that turn one `denoise` into another.

use burn::tensor::Tensor;

use crate::Step;

/// Whether a scale is one of guidance: more than 1, as in diffusers. At 1 the answer is the positive one, and less
/// would lead away from what was asked for.
pub fn is_guided(guidance_scale: f64) -> bool {
    guidance_scale > 1.0
}

/// Classifier-free guidance (Ho and Salimans 2022): away from the answer to `negative`, towards that to `positive`.
///
/// `model(x_t, step, condition)` answers velocity, eps or data, alike for both conditions; the result is
/// `negative + guidance_scale (positive - negative)`. Without guidance (see [`is_guided`]) it is the positive answer,
/// and the negative one is not computed.
pub fn classifier_free_guidance<const D: usize, C, E>(
    mut model: impl FnMut(Tensor<D>, Step, &C) -> Result<Tensor<D>, E>,
    positive: C,
    negative: C,
    guidance_scale: f64,
) -> impl FnMut(Tensor<D>, Step) -> Result<Tensor<D>, E> {
    move |x, step| {
        if !is_guided(guidance_scale) {
            return model(x, step, &positive);
        }
        let towards = model(x.clone(), step, &positive)?;
        let away = model(x, step, &negative)?;
        Ok(away.clone() + (towards - away) * guidance_scale)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use burn::tensor::Device;

    use super::*;
    use crate::Schedule;

    fn guided(guidance_scale: f64) -> (f32, usize) {
        let mut calls = 0;
        let model = |x: Tensor<1>, _: Step, condition: &f64| {
            calls += 1;
            Ok::<_, Infallible>(x * *condition)
        };
        let step = Schedule::flow_euler(1, 1.0).unwrap().steps().next().unwrap();
        let x = Tensor::<1>::from_floats([2.0], &Device::flex());
        let answer = classifier_free_guidance(model, 3.0, 1.0, guidance_scale)(x, step).unwrap();
        (answer.into_scalar::<f32>(), calls)
    }

    #[test]
    fn extrapolates_from_negative_to_positive() {
        assert_eq!(guided(5.0), (2.0 + 5.0 * (6.0 - 2.0), 2));
    }

    #[test]
    fn at_or_below_one_there_is_no_guidance_and_the_prompt_counts() {
        for scale in [1.0, 0.5, 0.0] {
            assert_eq!(guided(scale), (6.0, 1), "{scale}");
        }
    }
}
