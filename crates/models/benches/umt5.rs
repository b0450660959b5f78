//! One prompt through the text encoder with random weights: `benches/compare.py` runs it beside
//! transformers'.

use burn::tensor::{Device, Int, Tensor, TensorData};
use models::umt5::{Umt5Config, Umt5Encoder};
use nn::{Pack, Packing};
use serde::Deserialize;

#[path = "../../../benches/worker.rs"]
mod worker;

#[derive(Deserialize)]
struct Prompt {
    config: Umt5Config,
    tokens: usize,
}

fn main() {
    worker::serve(prepare);
}

fn prepare(case: Prompt, packing: Option<Packing>) -> worker::Work {
    let Prompt { config, tokens } = case;
    let device = Device::flex();
    let mut model = Umt5Encoder::new(&config, &device).expect("a valid configuration").init_weights(0);
    packing.into_iter().for_each(|packing| model.pack(packing));
    // Which words they are takes no more or less time.
    let ids = (0..tokens).map(|word| (word % config.vocab_size) as i64).collect::<Vec<_>>();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [1, tokens]), &device);
    let mask = Tensor::ones([1, tokens], &device);
    Box::new(move || drop(model.forward(ids.clone(), mask.clone())))
}
