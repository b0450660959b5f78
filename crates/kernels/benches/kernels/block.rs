//! One layer of Wan 1.3B's denoiser, operation by operation: where the time goes.

use std::{hint::black_box, sync::OnceLock, time::Instant};

use kernels::{
    attention::{Attention, attention},
    matmul::{Epilogue, PackedBf16, PackedInt8, Residual, linear_bf16, linear_int8},
    pointwise::{Activation, layer_norm_modulate, rms_norm, rms_norm_rope},
    threads,
};

use super::{peak::Peak, values};

const DIM: usize = 1536;
const HIDDEN: usize = 8960;
const HEADS: usize = 12;
const TEXT: usize = 512;
const EPS: f32 = 1e-6;

enum Weight {
    Bf16(PackedBf16),
    Int8(PackedInt8),
}

impl Weight {
    fn new(int8: bool, n: usize, k: usize) -> Self {
        let weight: Vec<f32> = values(n * k).into_iter().map(|x| x / (k as f32).sqrt()).collect();
        match int8 {
            true => Self::Int8(PackedInt8::new(&weight, n, k)),
            false => Self::Bf16(PackedBf16::new(&weight, n, k)),
        }
    }

    fn apply(&self, x: &[f32], epilogue: Epilogue<'_>) -> Vec<f32> {
        match self {
            Self::Bf16(weight) => linear_bf16(x, weight, epilogue),
            Self::Int8(weight) => linear_int8(x, weight, epilogue),
        }
    }
}

/// Seconds of this thread's own if there is no other (`KINORA_THREADS=1`), so that a busy machine can be measured on.
fn now() -> f64 {
    #[cfg(target_os = "linux")]
    if threads::available() == 1 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one such time.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        return time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    }
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// What one operation took at least, and the products that it made.
struct Part {
    name: &'static str,
    seconds: f64,
    bf16: f64,
    int8: f64,
}

/// Times of a layer's operations, the least of all rounds.
#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
    next: usize,
}

impl Parts {
    fn time<T>(&mut self, name: &'static str, [bf16, int8]: [f64; 2], run: impl FnOnce() -> T) -> T {
        let start = now();
        let result = black_box(run());
        let seconds = now() - start;
        if self.next == self.parts.len() {
            self.parts.push(Part { name, seconds, bf16, int8 });
        }
        let part = &mut self.parts[self.next];
        part.seconds = part.seconds.min(seconds);
        self.next += 1;
        result
    }
}

struct Layer {
    int8: bool,
    qkv: [Weight; 3],
    out: Weight,
    cross_q: Weight,
    cross_kv: [Weight; 2],
    cross_out: Weight,
    proj_in: Weight,
    proj_out: Weight,
    bias: Vec<f32>,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Layer {
    fn new(int8: bool, tokens: usize) -> Self {
        let square = || Weight::new(int8, DIM, DIM);
        let angles = values(tokens * DIM / HEADS / 2);
        Self {
            int8,
            qkv: [square(), square(), square()],
            out: square(),
            cross_q: square(),
            cross_kv: [square(), square()],
            cross_out: square(),
            proj_in: Weight::new(int8, HIDDEN, DIM),
            proj_out: Weight::new(int8, DIM, HIDDEN),
            bias: values(HIDDEN),
            cos: angles.iter().map(|angle| angle.cos()).collect(),
            sin: angles.iter().map(|angle| angle.sin()).collect(),
        }
    }

    /// Products of a linear layer.
    fn work(&self, rows: usize, n: usize, k: usize) -> [f64; 2] {
        let work = 2.0 * (rows * n * k) as f64;
        if self.int8 { [0.0, work] } else { [work, 0.0] }
    }

    /// `x`, a layer's result and its gate.
    fn gated<'a>(&'a self, x: &'a [f32]) -> Epilogue<'a> {
        let row = &self.bias[..DIM];
        Epilogue { residual: Some(Residual { values: x, gate: Some(row) }), ..Epilogue::bias(row) }
    }

    fn forward(&self, parts: &mut Parts, x: &[f32], context: &[f32]) -> Vec<f32> {
        let tokens = x.len() / DIM;
        let row = &self.bias[..DIM];
        let bias = Epilogue::bias(row);
        let gelu = Epilogue { activation: Some(Activation::GeluTanh), ..Epilogue::bias(&self.bias) };
        let square = self.work(tokens, DIM, DIM);
        let none = [0.0; 2];
        let norm = |x: &[f32]| layer_norm_modulate(x, row, row, DIM, EPS);
        let rms = |x: &[f32]| rms_norm(x, row, EPS);
        let turned = |x: &[f32]| rms_norm_rope(x, row, EPS, &self.cos, &self.sin, DIM / HEADS);
        let attend = |q: &[f32], k: &[f32], v: &[f32]| {
            let keys = k.len() / DIM;
            let shape = Attention { batch: 1, queries: tokens, keys, heads: HEADS, head_dim: DIM / HEADS };
            attention(&shape, q, k, v).0
        };

        let normed = parts.time("norm", none, || norm(x));
        let [q, k, v] = ["to q", "to k", "to v"].map(|name| {
            let weight = &self.qkv[usize::from(name != "to q") + usize::from(name == "to v")];
            parts.time(name, square, || weight.apply(&normed, bias))
        });
        let q = parts.time("rms norm and rope of q", none, || turned(&q));
        let k = parts.time("rms norm and rope of k", none, || turned(&k));
        let work = [4.0 * (tokens * tokens * DIM) as f64, 0.0];
        let y = parts.time("self-attention", work, || attend(&q, &k, &v));
        let x = parts.time("to out, gated residual", square, || self.out.apply(&y, self.gated(x)));

        let normed = parts.time("norm", none, || norm(&x));
        let q = parts.time("cross: to q", square, || self.cross_q.apply(&normed, bias));
        let q = parts.time("cross: rms norm of q", none, || rms(&q));
        let of_text = self.work(TEXT, DIM, DIM);
        let k = parts.time("cross: to k", of_text, || self.cross_kv[0].apply(context, bias));
        let v = parts.time("cross: to v", of_text, || self.cross_kv[1].apply(context, bias));
        let k = parts.time("cross: rms norm of k", none, || rms(&k));
        let work = [4.0 * (tokens * TEXT * DIM) as f64, 0.0];
        let y = parts.time("cross-attention", work, || attend(&q, &k, &v));
        let residual = Some(Residual { values: &x, gate: None });
        let epilogue = Epilogue { residual, ..bias };
        let x = parts.time("cross: to out, residual", square, || self.cross_out.apply(&y, epilogue));

        let normed = parts.time("norm", none, || norm(&x));
        let work = self.work(tokens, HIDDEN, DIM);
        let hidden = parts.time("feed-forward: in, GELU", work, || self.proj_in.apply(&normed, gelu));
        parts.time("feed-forward: out, gated", work, || self.proj_out.apply(&hidden, self.gated(&x)))
    }
}

pub fn run() {
    let Some(peak) = Peak::measure() else { return println!("no peak is known") };
    for (tokens, int8) in [(768, false), (768, true), (3510, false), (3510, true)] {
        let layer = Layer::new(int8, tokens);
        let (x, context) = (values(tokens * DIM), values(TEXT * DIM));
        let mut parts = Parts::default();
        for _ in 0..if tokens < 1000 { 9 } else { 4 } {
            parts.next = 0;
            black_box(layer.forward(&mut parts, &x, &context));
        }
        let all: f64 = parts.parts.iter().map(|part| part.seconds).sum();
        println!("{tokens} tokens, {}", if int8 { "int8" } else { "bf16" });
        let mut least = 0.0;
        for Part { name, seconds, bf16, int8 } in &parts.parts {
            let limit = bf16 / peak.bf16 + int8 / peak.int8;
            least += limit;
            println!(
                "  {name:<24} {:>8.2} ms {:>5.1} % of the layer, {:>8.2} ms above the registers' limit, {:>5.1} % of it",
                seconds * 1e3,
                100.0 * seconds / all,
                (seconds - limit) * 1e3,
                100.0 * limit / seconds,
            );
        }
        println!("  all {:.2} ms, limit {:.2} ms, {:.1} %", all * 1e3, least * 1e3, 100.0 * least / all);
    }
}
