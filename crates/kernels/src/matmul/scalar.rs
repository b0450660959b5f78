//! The definitions: loops over one element after the other.

use super::{
    epilogue::Epilogue,
    layout::{Layout, Sizes},
};

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

/// See [`super::linear_int8`]: `x` is `[m, k]`, `weight` `[n, k]`, not packed.
pub fn linear_int8(sizes: Sizes, x: &[f32], weight: &[f32], out: &mut [f32]) {
    let Sizes { n, k, .. } = sizes;
    let outputs: Vec<_> = weight.chunks_exact(k).map(quantize).collect();
    for (x, out) in x.chunks_exact(k).zip(out.chunks_exact_mut(n)) {
        let (row_scale, x) = quantize(x);
        for ((scale, weight), out) in outputs.iter().zip(out) {
            let sum: i32 = x.iter().zip(weight).map(|(x, weight)| x * weight).sum();
            *out = sum as f32 * row_scale * scale;
        }
    }
}

/// The scale of a row and its levels in −127..=127, so that `x ≈ scale · level`.
fn quantize(x: &[f32]) -> (f32, Vec<i32>) {
    if !x.iter().all(|x| x.is_finite()) {
        return (f32::NAN, vec![0; x.len()]);
    }
    let greatest = x.iter().fold(0.0, |greatest: f32, x| greatest.max(x.abs()));
    let scale = (greatest / 127.0).max(f32::MIN_POSITIVE);
    (scale, x.iter().map(|x| (x * (1.0 / scale)).round_ties_even() as i32).collect())
}

/// See [`Epilogue`]: what becomes of the products `out`, `[rows, n]`.
pub fn finish(epilogue: Epilogue<'_>, n: usize, out: &mut [f32]) {
    let rows = out.len() / n;
    for (index, out) in out.iter_mut().enumerate() {
        let (row, column) = (index / n, index % n);
        if let Some(bias) = epilogue.bias {
            *out += bias[column];
        }
        if let Some(activation) = epilogue.activation {
            *out = activation.at(*out).0;
        }
        if let Some(residual) = epilogue.residual {
            let gate = residual.gate.map_or(1.0, |gate| gate[row * (gate.len() / n) / rows * n + column]);
            *out = residual.values[index] + gate * *out;
        }
    }
}

/// The nearest bf16 (ties to even), as f32.
pub fn round_bf16(x: f32) -> f32 {
    half::bf16::from_f32(x).to_f32()
}
