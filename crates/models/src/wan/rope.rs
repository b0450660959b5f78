//! Rotary positions in time, height and width (`WanRotaryPosEmbed`; RoPE: Su et al. 2021).

use burn::tensor::{Device, Tensor, TensorData};
use nn::RmsNorm;

const THETA: f64 = 10_000.0;

/// Cosines and sines of every token's rotation.
#[derive(Debug)]
pub(super) struct RopeTable {
    cos: Tensor<2>, // [tokens, head_dim / 2]
    sin: Tensor<2>,
}

impl RopeTable {
    /// For `grid` tokens along time, height and width.
    ///
    /// A third of a head's pairs turn with the row, a third with the column, the rest with the
    /// frame.
    pub fn new(head_dim: usize, grid: [usize; 3], device: &Device) -> Self {
        let space = head_dim / 6; // pairs
        let pairs = [head_dim / 2 - 2 * space, space, space];
        let axes: [Vec<Vec<(f32, f32)>>; 3] =
            std::array::from_fn(|axis| (0..grid[axis]).map(|at| rotations(at, pairs[axis])).collect());
        let tokens = grid.iter().product::<usize>();
        let mut cos = Vec::with_capacity(tokens * head_dim / 2);
        let mut sin = Vec::with_capacity(tokens * head_dim / 2);
        for time in &axes[0] {
            for row in &axes[1] {
                for column in &axes[2] {
                    for (c, s) in time.iter().chain(row).chain(column) {
                        cos.push(*c);
                        sin.push(*s);
                    }
                }
            }
        }
        let tensor = |values| Tensor::from_data(TensorData::new(values, [tokens, head_dim / 2]), device);
        Self { cos: tensor(cos), sin: tensor(sin) }
    }

    /// Rotates `[batch, tokens, heads, head_dim]` behind a norm over all heads.
    pub fn apply(&self, norm: &RmsNorm, x: Tensor<4>) -> Tensor<4> {
        norm.forward_rope(x, self.cos.clone(), self.sin.clone())
    }
}

/// Cosine and sine of each pair's angle at one position.
fn rotations(position: usize, pairs: usize) -> Vec<(f32, f32)> {
    (0..pairs)
        .map(|pair| {
            let angle = position as f64 / THETA.powf(pair as f64 / pairs as f64);
            (angle.cos() as f32, angle.sin() as f32)
        })
        .collect()
}
