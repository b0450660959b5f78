//! The definition: three loops.

use super::{Layout, Sizes};

/// See [`super::matmul`].
pub fn matmul(sizes: Sizes, a: (&[f32], Layout), b: (&[f32], Layout), bias: Option<&[f32]>, c: &mut [f32]) {
    let Sizes { m, n, k } = sizes;
    let at = |(matrix, layout): (&[f32], Layout), row: usize, column: usize, rows: usize, columns: usize| {
        let index = match layout {
            Layout::Plain => row * columns + column,
            Layout::Transposed => column * rows + row,
        };
        round_bf16(matrix[index])
    };
    for i in 0..m {
        for j in 0..n {
            let sum: f32 = (0..k).map(|l| at(a, i, l, m, k) * at(b, l, j, k, n)).sum();
            c[i * n + j] = sum + bias.map_or(0.0, |bias| bias[j]);
        }
    }
}

/// The nearest bf16 (ties to even), as f32.
pub fn round_bf16(x: f32) -> f32 {
    half::bf16::from_f32(x).to_f32()
}
