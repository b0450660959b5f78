//! Packing the weights of Wan 1.3B's linear layers when a model is loaded.

use std::hint::black_box;

use half::bf16;
use kernels::{
    Stored,
    matmul::{PackedBf16, PackedInt8},
};

use super::{measure, values};

pub fn run() {
    for [n, k] in [[1536, 1536], [8960, 1536], [1536, 8960]] {
        let weight = values(n * k);
        let bf16s: Vec<bf16> = weight.iter().map(|&x| bf16::from_f32(x)).collect();
        let bytes: Vec<[u8; 2]> = bf16s.iter().map(|x| x.to_le_bytes()).collect();
        for (form, stored) in [("f32", Stored::F32(&weight)), ("bf16", Stored::Bf16Bytes(&bytes))] {
            let count = (n * k) as f64;
            measure(&format!("pack {k} -> {n} of {form} as int8"), "G weights/s", count, || {
                black_box(PackedInt8::new(stored, n, k));
            });
            measure("  as bf16", "G weights/s", count, || {
                black_box(PackedBf16::new(stored, n, k));
            });
            measure("  looked at, that all are finite", "G weights/s", count, || {
                black_box(stored.first_not_finite());
            });
            measure("  as f32", "G weights/s", count, || {
                black_box(stored.to_f32());
            });
        }
    }
}
