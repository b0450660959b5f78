//! Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"): steps of matrices along the nearest
//! orthogonal matrix to the mean of their gradients, so that rare directions count as much as common ones.

use kernels::matmul::{Layout, Sizes, matmul};
use rayon::prelude::*;

/// Decay of the mean of the gradients.
const MOMENTUM: f32 = 0.95;
/// Newton-Schulz iterations, and the coefficients of their quintic: steepest at 0, and about 1 from 0.3 on.
const ITERATIONS: usize = 5;
const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];
/// With this, steps are as large as AdamW's commonly are, and one learning rate suits both (Liu et al. 2025, "Muon is
/// scalable for LLM training", section 2.2).
const SIZE: f32 = 0.2;

/// Moves a matrix of so many rows and columns against the mean of its gradients, which is `momentum`.
pub(super) fn step(
    weights: &mut [f32],
    gradients: &[f32],
    gradient_scale: f32,
    momentum: &mut [f32],
    [rows, columns]: [usize; 2],
    [learning_rate, weight_decay]: [f64; 2],
) {
    // Nesterov's: the mean as it will be with the same gradient once more.
    let ahead = momentum.iter_mut().zip(gradients).map(|(mean, gradient)| {
        let gradient = gradient * gradient_scale;
        *mean = MOMENTUM * *mean + (1.0 - MOMENTUM) * gradient;
        MOMENTUM * *mean + (1.0 - MOMENTUM) * gradient
    });
    let direction = orthogonalised(ahead.collect(), [rows, columns]);
    let length = learning_rate as f32 * SIZE * (rows.max(columns) as f32).sqrt();
    let shrink = (1.0 - learning_rate * weight_decay) as f32;
    weights.par_iter_mut().zip(direction).for_each(|(weight, by)| *weight = *weight * shrink - length * by);
}

/// About the nearest matrix to `x` whose rows, or columns if these are fewer, are orthonormal.
fn orthogonalised(mut x: Vec<f32>, [rows, columns]: [usize; 2]) -> Vec<f32> {
    let norm = x.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    x.iter_mut().for_each(|value| *value /= norm);
    let [a, b, c] = COEFFICIENTS;
    let least = rows.min(columns);
    let square = Sizes { m: least, n: least, k: least };
    for _ in 0..ITERATIONS {
        // The product with itself that is smaller.
        let inner = match rows <= columns {
            true => matmul(
                Sizes { m: rows, n: rows, k: columns },
                (&x, Layout::Plain),
                (&x, Layout::Transposed),
                None,
            ),
            false => matmul(
                Sizes { m: columns, n: columns, k: rows },
                (&x, Layout::Transposed),
                (&x, Layout::Plain),
                None,
            ),
        };
        let mut factor = matmul(square, (&inner, Layout::Plain), (&inner, Layout::Plain), None);
        factor.iter_mut().zip(&inner).for_each(|(square, inner)| *square = b * inner + c * *square);
        let sizes = Sizes { m: rows, n: columns, k: least };
        let change = match rows <= columns {
            true => matmul(sizes, (&factor, Layout::Plain), (&x, Layout::Plain), None),
            false => matmul(sizes, (&x, Layout::Plain), (&factor, Layout::Plain), None),
        };
        x.iter_mut().zip(change).for_each(|(value, change)| *value = a * *value + change);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix with singular values from 1 down to a tenth: numbers that are far from orthogonal.
    fn matrix(rows: usize, columns: usize) -> Vec<f32> {
        (0..rows * columns).map(|i| ((i * i * 7919 + i * 104_729) % 1000) as f32 / 500.0 - 1.0).collect()
    }

    #[test]
    fn rows_or_columns_become_orthonormal() {
        for [rows, columns] in [[12, 40], [40, 12], [16, 16]] {
            let x = orthogonalised(matrix(rows, columns), [rows, columns]);
            let energy: f32 = x.iter().map(|value| value * value).sum();
            let least = rows.min(columns) as f32;
            // Singular values end between 0.7 and 1.2, but for those that were next to nothing.
            assert!((0.5..1.4).contains(&(energy / least)), "{energy} of {least}");
            let column = |i: usize| (0..rows).map(move |row| row * columns + i);
            let row = |i: usize| (0..columns).map(move |column| i * columns + column);
            let product: f32 = match rows <= columns {
                true => row(0).zip(row(1)).map(|(a, b)| x[a] * x[b]).sum(),
                false => column(0).zip(column(1)).map(|(a, b)| x[a] * x[b]).sum(),
            };
            assert!(product.abs() < 0.25, "{product}");
        }
    }

    #[test]
    fn a_step_goes_against_the_gradient_by_the_size_of_adamw_s() {
        let gradients = matrix(8, 32);
        let (mut weights, mut momentum) = (vec![0.0; 256], vec![0.0; 256]);
        step(&mut weights, &gradients, 1.0, &mut momentum, [8, 32], [0.01, 0.0]);
        let along: f32 = weights.iter().zip(&gradients).map(|(weight, gradient)| weight * gradient).sum();
        assert!(along < 0.0);
        let size = (weights.iter().map(|weight| weight * weight).sum::<f32>() / 256.0).sqrt();
        assert!((0.001..0.004).contains(&size), "{size}");
        assert!((momentum[3] - 0.05 * gradients[3]).abs() < 1e-6);
        // What decays shrinks by the learning rate times the decay.
        let mut weights = vec![1.0; 256];
        step(&mut weights, &[0.0; 256], 1.0, &mut [0.0; 256], [8, 32], [0.01, 0.5]);
        assert!(weights.iter().all(|weight| (weight - 0.995).abs() < 1e-6));
    }
}
