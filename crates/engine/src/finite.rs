//! Results that became infinite or undefined.

use burn::tensor::Tensor;

/// Where the first number is that is not finite.
pub(crate) fn first_not_finite(values: &[f32]) -> Option<usize> {
    // Without a branch, many at once.
    const SPECIAL: u32 = f32::INFINITY.to_bits();
    let special = |value: &f32| u32::from(value.to_bits() & SPECIAL == SPECIAL);
    let found = values.iter().fold(0, |any, value| any | special(value)) != 0;
    found.then(|| values.iter().position(|value| !value.is_finite())).flatten()
}

/// Whether every number of a tensor is finite.
pub(crate) fn is_finite<const D: usize>(tensor: &Tensor<D>) -> bool {
    first_not_finite(&values(tensor.clone())).is_none()
}

/// A tensor's numbers in row-major order.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec().expect("converted to f32")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_one_is_found_wherever_it_is() {
        let mut values = vec![f32::MAX; 1000];
        assert_eq!(first_not_finite(&values), None);
        for (at, value) in [(999, f32::NEG_INFINITY), (500, f32::NAN), (0, -f32::NAN)] {
            values[at] = value;
            assert_eq!(first_not_finite(&values), Some(at));
        }
    }
}
