//! Clipping by the global norm of the gradient (Pascanu et al. 2013).

use rayon::prelude::*;

use super::CHUNK;

/// The Euclidean norm of all gradients together.
pub fn global_norm(gradients: &[f32]) -> f64 {
    let square = |chunk: &[f32]| chunk.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>();
    let squares: Vec<f64> = gradients.par_chunks(CHUNK).map(square).collect();
    squares.iter().sum::<f64>().sqrt()
}

/// What the gradients are to be multiplied with, so that their norm is at most `max_norm`.
pub fn clip_factor(norm: f64, max_norm: f64) -> f32 {
    if norm > max_norm { (max_norm / norm) as f32 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_gradients_are_cut_to_the_bound_and_short_ones_kept() {
        assert_eq!(global_norm(&[3.0, 0.0, -4.0]), 5.0);
        assert_eq!(clip_factor(5.0, 1.0), 0.2);
        assert_eq!(clip_factor(5.0, 6.0), 1.0);
        let long = vec![0.5; 3 * CHUNK + 7];
        assert!((global_norm(&long) - 0.5 * (long.len() as f64).sqrt()).abs() < 1e-9);
    }
}
