//! Agreement of the text encoder with transformers.

use std::{collections::HashMap, path::Path};

use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use nn::{Pack, Packing, with_precision};

use super::{
    Umt5Config, Umt5Encoder,
    attention::{Masked, bucket},
};
use crate::{
    ModelConfig,
    golden::{Golden, assert_round_trip},
    weights::{Precision, Source, Weights, load_bytes, to_bytes},
};

const GOLDENS: [&str; 2] = ["umt5_a", "umt5_b"];

fn model(golden: &Golden) -> Umt5Encoder {
    golden.fill(empty(golden), "model.")
}

fn empty(golden: &Golden) -> Umt5Encoder {
    Umt5Encoder::new(&golden.metadata("config"), &Device::flex()).expect("a valid configuration")
}

fn ids(golden: &Golden) -> Tensor<2, Int> {
    let shape = golden.tensor::<2>("mask").dims();
    Tensor::from_data(TensorData::new(golden.integers("ids"), shape), &Device::flex())
}

#[test]
fn distances_fall_into_the_classes_of_transformers() {
    for golden in GOLDENS.map(Golden::open) {
        let config = golden.metadata::<Umt5Config>("config");
        for (distance, expected) in golden.integers("distances").into_iter().zip(golden.integers("buckets")) {
            assert_eq!(bucket(distance.into(), &config), i64::from(expected), "distance {distance}");
        }
    }
}

#[test]
fn a_block_agrees_with_transformers() {
    for golden in GOLDENS.map(Golden::open) {
        let model = model(&golden);
        let mask = golden.tensor::<2>("mask");
        let masked = Masked::new(model.config(), mask.dims()[1], mask);
        let output = model.encoder.block[1].forward(golden.tensor("block.x"), &masked);
        golden.assert_close("block.output", output);
    }
}

#[test]
fn a_block_in_bf16_is_within_one_percent() {
    let config = Umt5Config {
        vocab_size: 2,
        d_model: 64,
        d_kv: 16,
        d_ff: 128,
        num_layers: 1,
        num_heads: 4,
        ..Umt5Config::default()
    };
    let device = Device::flex();
    let model = Umt5Encoder::new(&config, &device).expect("a valid configuration").init_weights(3);
    let mut block = model.encoder.block[0].clone();
    let mask = Tensor::cat(vec![Tensor::ones([2, 20], &device), Tensor::zeros([2, 4], &device)], 1);
    let masked = Masked::new(&config, 24, mask);
    let x = Tensor::<3>::random([2, 24, 64], Distribution::Normal(0.0, 1.0), &device);
    let power = |x: Tensor<3>| x.square().mean().into_scalar::<f32>();
    let exact = block.forward(x.clone(), &masked);
    let check = |what: &str, found: Tensor<3>| {
        let error = (power(found - exact.clone()) / power(exact.clone())).sqrt();
        assert!(error <= 1e-2, "{what}: {error}");
    };
    check("bf16", with_precision(nn::Precision::Bf16, || block.forward(x.clone(), &masked)));
    block.pack(Packing::Bf16);
    check("packed", with_precision(nn::Precision::Bf16, || block.forward(x.clone(), &masked)));
}

#[test]
fn features_agree_with_transformers() {
    for golden in GOLDENS.map(Golden::open) {
        let features = model(&golden).forward(ids(&golden), golden.tensor("mask"));
        golden.assert_close("features", features);
    }
}

/// The same operations on the same numbers: equal bits.
#[test]
fn an_encoder_that_is_read_layer_by_layer_is_the_one_in_memory() {
    let device = Device::flex();
    let golden = Golden::open(GOLDENS[0]);
    let prompts = [vec![3, 1], vec![2, 4, 3, 1]];
    let bytes = to_bytes(&model(&golden), Path::new("test"), Precision::F32, &HashMap::new()).expect("bytes");
    let values = |context: Tensor<3>| context.into_data().try_into_vec::<f32>().expect("f32");
    for packing in [None, Some(Packing::Bf16), Some(Packing::Int8)] {
        let mut loaded = model(&golden);
        packing.into_iter().for_each(|packing| loaded.pack(packing));
        let empty = empty(&golden);
        let source = Source::bytes("test", &bytes).expect("a file");
        let mut weights = Weights::of(&empty, source).expect("all of them");
        let streamed = empty.context_from(&mut weights, packing, &prompts, 6, &device).expect("read");
        assert_eq!(values(streamed), values(loaded.context(&prompts, 6, &device)), "{packing:?}");
    }
}

#[test]
fn the_context_is_zero_where_there_is_padding() {
    let golden = Golden::open("umt5_a");
    let (model, device) = (model(&golden), Device::flex());
    let prompts = [vec![5, 3, 1], vec![7], vec![]];
    let context = model.context(&prompts, 6, &device);
    assert_eq!(context.dims(), [3, 6, model.config().d_model]);
    // Encoded with all of its padding, a prompt has the same features in front of it.
    for (index, prompt) in prompts.iter().enumerate() {
        let mut ids: Vec<i64> = prompt.iter().map(|&id| id as i64).collect();
        ids.resize(6, 0);
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [1, 6]), &device);
        let mask: Vec<f32> = (0..6).map(|token| f32::from(u8::from(token < prompt.len()))).collect();
        let mask = Tensor::<2>::from_data(TensorData::new(mask, [1, 6]), &device);
        let padded = model.forward(ids, mask.clone()) * mask.unsqueeze_dim::<3>(2);
        let difference = (padded - context.clone().narrow(0, index, 1)).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-5, "prompt {index}: {difference}");
        let after = context.clone().narrow(0, index, 1).narrow(1, prompt.len(), 6 - prompt.len());
        assert_eq!(after.abs().max().into_scalar::<f32>(), 0.0);
    }
}

#[test]
fn a_checkpoint_has_the_keys_of_transformers() {
    for golden in GOLDENS.map(Golden::open) {
        assert_round_trip(&golden, &model(&golden), empty(&golden));
    }
}

/// Some files hold the embedding under its second name, or under both.
#[test]
fn the_tied_embedding_is_found_under_either_name() {
    let golden = Golden::open("umt5_a");
    let file = golden.checkpoint("model.");
    let tensors = safetensors::SafeTensors::deserialize(&file).expect("a file");
    let shared = tensors.tensor("shared.weight").expect("the embedding");
    let tied = "encoder.embed_tokens.weight".to_owned();
    let others = tensors.tensors().into_iter().filter(|(key, _)| key != "shared.weight").collect::<Vec<_>>();
    let load = |more: Vec<(String, safetensors::tensor::TensorView<'_>)>| {
        let views = others.iter().cloned().chain(more);
        let bytes = safetensors::serialize(views, None).expect("serialisable");
        load_bytes(empty(&golden), "tied", &bytes)
    };
    let features = |model: Umt5Encoder| model.forward(ids(&golden), golden.tensor("mask"));

    golden
        .assert_close("features", features(load(vec![(tied.clone(), shared.clone())]).expect("second name")));
    let both = vec![("shared.weight".to_owned(), shared.clone()), (tied.clone(), shared.clone())];
    golden.assert_close("features", features(load(both).expect("both names")));

    let other = vec![0; shared.data().len()];
    let other = safetensors::tensor::TensorView::new(shared.dtype(), shared.shape().to_vec(), &other)
        .expect("a view");
    let differ = load(vec![("shared.weight".to_owned(), shared.clone()), (tied, other)]);
    let message = differ.expect_err("two different embeddings").to_string();
    assert!(message.contains("encoder.embed_tokens.weight"), "{message}");
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let refused = [
        ("feed_forward_proj", Umt5Config { feed_forward_proj: "relu".to_owned(), ..Default::default() }),
        (
            "relative_attention_num_buckets",
            Umt5Config { relative_attention_num_buckets: 30, ..Default::default() },
        ),
        (
            "relative_attention_max_distance",
            Umt5Config { relative_attention_max_distance: 8, ..Default::default() },
        ),
        ("vocab_size", Umt5Config { vocab_size: 0, ..Default::default() }),
    ];
    for (field, config) in refused {
        let message = config.check().expect_err(field).to_string();
        assert!(message.contains(&format!("`{field}`")), "{message}");
    }
    let config = Umt5Config { vocab_size: 10, ..Default::default() };
    assert!(config.check_ids(&[0, 9]).is_ok());
    assert!(config.check_ids(&[3, 10]).is_err());
}

#[test]
fn a_new_encoder_hears_whose_colour_is_whose() {
    let config = Umt5Config {
        vocab_size: 40,
        d_model: 64,
        d_kv: 16,
        d_ff: 128,
        num_layers: 2,
        num_heads: 4,
        ..Umt5Config::default()
    };
    let device = Device::flex();
    // "a black house stands left of an orange person", and both colours exchanged.
    let [black, orange, house, person] = [3, 4, 5, 6];
    let prompt =
        |first, second| vec![10, first, house, 11, 12, 13, 14, second, person, 15, 16, 17, 18, 19, 20, 1];
    for seed in 0..4 {
        let encoder = Umt5Encoder::new(&config, &device).expect("valid").init_weights(seed);
        let features = encoder.context(&[prompt(black, orange), prompt(orange, black)], 16, &device);
        for thing in [2, 8] {
            let [one, other] = [0, 1].map(|row| features.clone().narrow(0, row, 1).narrow(1, thing, 1));
            let norm = |x: Tensor<3>| x.square().sum().sqrt().into_scalar::<f32>();
            let change = norm(one.clone() - other) / norm(one);
            assert!(change > 0.1, "seed {seed}: the thing at {thing} changes by {change}");
        }
    }
}
