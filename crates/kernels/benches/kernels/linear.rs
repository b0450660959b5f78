//! Linear layers at the shapes of kinora-tiny and of the Wan models, against the machine's peak.

use std::{hint::black_box, time::Instant};

use kernels::matmul::{Epilogue, Layout, PackedBf16, PackedInt8, Sizes, linear_bf16, linear_int8, matmul};

use super::{peak::Peak, values};

/// Rows, inputs, outputs.
const TINY: [[usize; 3]; 9] = [
    [64, 256, 256],
    [64, 256, 1024],
    [64, 1024, 256],
    [320, 256, 256],
    [320, 256, 1024],
    [320, 1024, 256],
    [2048, 256, 256],
    [2048, 256, 1024],
    [2048, 1024, 256],
];
const WAN: [[usize; 3]; 9] = [
    [768, 1536, 1536],
    [768, 1536, 8960],
    [768, 8960, 1536],
    [3510, 1536, 1536],
    [3510, 1536, 8960],
    [3510, 8960, 1536],
    [768, 3072, 3072],
    [768, 3072, 14336],
    [768, 14336, 3072],
];
const ONE_ROW: [[usize; 3]; 2] = [[1, 1536, 8960], [1, 3072, 14336]];

pub fn run() {
    let peak = Peak::measure();
    if let Some(peak) = &peak {
        println!("registers alone: bf16 {:.0} GFLOP/s, int8 {:.0} GOP/s", peak.bf16 / 1e9, peak.int8 / 1e9);
    }
    for [m, k, n] in TINY.into_iter().chain(WAN).chain(ONE_ROW) {
        let (x, weight, bias, dy) = (values(m * k), values(n * k), values(n), values(m * n));
        let work = 2.0 * (m * n * k) as f64;
        let report = |what: &str, peak: Option<f64>, seconds: [f64; 2]| {
            let share =
                peak.map_or(String::new(), |peak| format!("{:5.1} %", 100.0 * work / seconds[0] / peak));
            println!(
                "{:<34} {:>9.3} ms {:>6.0} G/s {share:>8} of peak (median {:.3} ms)",
                format!("{m}x{k} -> {n} {what}"),
                seconds[0] * 1e3,
                work / seconds[0] / 1e9,
                seconds[1] * 1e3
            );
        };
        let bf16_peak = peak.as_ref().map(|peak| peak.bf16);
        let packed = PackedInt8::new(&weight, n, k);
        let seconds = time(|| drop(black_box(linear_int8(&x, &packed, Epilogue::bias(&bias)))));
        report("int8", peak.as_ref().map(|peak| peak.int8), seconds);
        let packed = PackedBf16::new(&weight, n, k);
        let seconds = time(|| drop(black_box(linear_bf16(&x, &packed, Epilogue::bias(&bias)))));
        report("bf16", bf16_peak, seconds);
        if m != 2048 {
            continue;
        }
        let seconds = time(|| {
            let (a, b) = ((&*x, Layout::Plain), (&*weight, Layout::Transposed));
            drop(black_box(matmul(Sizes { m, n, k }, a, b, Some(&bias))));
        });
        report("training", bf16_peak, seconds);
        let seconds = time(|| {
            let (a, b) = ((&*dy, Layout::Plain), (&*weight, Layout::Plain));
            drop(black_box(matmul(Sizes { m, n: k, k: n }, a, b, None)));
        });
        report("  input gradient", bf16_peak, seconds);
        let seconds = time(|| {
            let (a, b) = ((&*dy, Layout::Transposed), (&*x, Layout::Plain));
            drop(black_box(matmul(Sizes { m: n, n: k, k: m }, a, b, None)));
        });
        report("  weight gradient", bf16_peak, seconds);
    }
}

/// The least and the median time of as many runs as fit into a quarter of a second, but three.
fn time(mut run: impl FnMut()) -> [f64; 2] {
    run();
    let begin = Instant::now();
    let mut seconds = Vec::new();
    while seconds.len() < 3 || (begin.elapsed().as_secs_f64() < 0.25 && seconds.len() < 500) {
        let start = Instant::now();
        run();
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    [seconds[0], seconds[seconds.len() / 2]]
}
