//! Cross entropy of several questions at once.

use burn::tensor::{Tensor, activation::log_softmax};

/// The cross entropies of all questions, added up over questions and tokens; see [`cross_entropies`].
pub fn cross_entropy(logits: &Tensor<3>, targets: &Tensor<3>, questions: &[usize]) -> Tensor<1> {
    Tensor::cat(cross_entropies(logits, targets, questions), 0).sum()
}

/// The cross entropy of each question, added up over tokens: `[1]` each.
///
/// `logits` and `targets` are `[batch, tokens, classes]`: the answers to the first question, then those to the next,
/// `questions` of each. Targets are shares; where all of a question's are 0 it is not asked.
pub fn cross_entropies(logits: &Tensor<3>, targets: &Tensor<3>, questions: &[usize]) -> Vec<Tensor<1>> {
    let mut start = 0;
    let of = |&classes: &usize| {
        let part = |x: &Tensor<3>| x.clone().narrow(2, start, classes);
        let sum = (log_softmax(part(logits), 2) * part(targets)).sum().neg();
        start += classes;
        sum
    };
    questions.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::parameters::to_scalar;

    #[test]
    fn questions_add_up_and_what_is_not_asked_does_not_count() {
        let device = Device::flex();
        // Two tokens; a question of two answers and one of three.
        let logits =
            Tensor::from_floats([[[0.0, 3_f32.ln(), 0.0, 0.0, 0.0], [9.0, 0.0, 0.0, 5.0, 0.0]]], &device);
        let targets = Tensor::from_floats([[[0.0, 1.0, 0.0, 0.5, 0.5], [0.0; 5]]], &device);
        let loss = to_scalar(cross_entropy(&logits, &targets, &[2, 3])).unwrap();
        let expected = -0.75_f32.ln() + 3_f32.ln();
        assert!((loss - expected).abs() < 1e-6, "{loss} {expected}");
    }
}
