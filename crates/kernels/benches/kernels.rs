//! Throughput of the kernels at the shapes of kinora-tiny and of the Wan models:
//! `cargo bench -p kinora-kernels --bench kernels`, or with `-- block`, `-- linear`, `-- pack`, `-- conv3d` or `-- rest` a part of it.
//! Prints GFLOP/s or GB/s; for linear layers of the best run, and as a share of what the registers
//! can do, elsewhere of the median.

#[path = "kernels/block.rs"]
mod block;
#[path = "kernels/linear.rs"]
mod linear;
#[path = "kernels/pack.rs"]
mod pack;
#[path = "kernels/conv3d.rs"]
mod packed_conv3d;
#[path = "kernels/peak.rs"]
mod peak;

use std::{hint::black_box, time::Instant};

use kernels::{
    attention::{Attention, Saved, attention, attention_backward},
    conv3d::{Conv3d, conv3d, conv3d_backward_input, conv3d_backward_weight},
    pointwise::{Activation, activate, layer_norm_modulate},
};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 9;

fn measure(what: &str, unit: &str, work: f64, mut run: impl FnMut()) {
    run();
    let mut seconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds[RUNS / 2];
    println!("{what:<52} {:>9.3} ms {:>8.1} {unit}", median * 1e3, work / median / 1e9);
}

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + 13) % 1000) as f32 / 500.0 - 1.0).collect()
}

fn main() {
    kernels::memory::set_freed(kernels::memory::Freed::Kept);
    println!("instruction set: {:?}, {} threads", kernels::isa(), kernels::threads::available());
    let only = std::env::args().skip(1).find(|name| !name.starts_with('-'));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("linear") {
        linear::run();
    }
    if wanted("block") {
        block::run();
    }
    if wanted("pack") {
        pack::run();
    }
    if wanted("conv3d") {
        packed_conv3d::run();
    }
    if !wanted("rest") {
        return;
    }
    for (batch, tokens, heads, head_dim) in [(8, 320, 4, 64), (1, 4096, 6, 64), (1, 4096, 12, 128)] {
        let shape = Attention { batch, queries: tokens, keys: tokens, heads, head_dim };
        let len = batch * tokens * heads * head_dim;
        let (q, k, v) = (values(len), values(len), values(len));
        let (out, lse) = attention(&shape, &q, &k, &v);
        let flop = 4.0 * (batch * heads * tokens * tokens * head_dim) as f64;
        measure(&format!("attention {batch}x{tokens}, {heads} heads x {head_dim}"), "GFLOP/s", flop, || {
            black_box(attention(&shape, &q, &k, &v));
        });
        measure("  its gradients", "GFLOP/s", 2.5 * flop, || {
            let saved = Saved { q: &q, k: &k, v: &v, out: &out, lse: &lse };
            black_box(attention_backward(&shape, saved, &out));
        });
    }
    for (channels, size) in [(32, [17, 64, 64]), (64, [8, 32, 32]), (128, [5, 16, 16]), (96, [4, 128, 128])] {
        let shape = Conv3d {
            batch: 1,
            inputs: channels,
            outputs: channels,
            size,
            doubled: false,
            kernel: [3; 3],
            stride: [1; 3],
            front: [2, 1, 1],
            back: [0, 1, 1],
        };
        let (x, w) = (values(shape.input_len()), values(shape.weight_len()));
        let y = values(shape.output_len());
        let flop = 2.0 * (shape.output_len() * channels * 27) as f64;
        measure(&format!("conv3d {channels}, {size:?}"), "GFLOP/s", flop, || {
            black_box(conv3d(&shape, &x, &w, None));
        });
        measure("  its input gradient", "GFLOP/s", flop, || {
            black_box(conv3d_backward_input(&shape, &y, &w));
        });
        measure("  its weight gradient", "GFLOP/s", flop, || {
            black_box(conv3d_backward_weight(&shape, &x, &y));
        });
    }
    let len = 4096 * 1536;
    let x = values(len);
    let row = values(1536);
    measure("gelu 4096x1536", "GB/s", 8.0 * len as f64, || {
        black_box(activate(Activation::GeluTanh, &x));
    });
    measure("layer norm + modulation 4096x1536", "GB/s", 8.0 * len as f64, || {
        black_box(layer_norm_modulate(&x, &row, &row, 1536, 1e-6));
    });
}
