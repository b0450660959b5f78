//! Agreement of the denoiser with diffusers.

use burn::tensor::{Device, Distribution, Tensor};
use nn::{Pack, Packing, Precision, with_precision};

use super::{
    WanTransformer3d, WanTransformer3dConfig, block::WanTransformerBlock, embed::Condition, rope::RopeTable,
};
use crate::{
    ModelConfig,
    golden::{Golden, assert_round_trip},
};

const GOLDENS: [&str; 2] = ["transformer_a", "transformer_b"];

fn model(golden: &Golden) -> WanTransformer3d {
    golden.fill(empty(golden), "model.")
}

fn empty(golden: &Golden) -> WanTransformer3d {
    WanTransformer3d::new(&golden.metadata("config"), &Device::flex()).expect("a valid configuration")
}

#[test]
fn a_block_agrees_with_diffusers() {
    for golden in GOLDENS.map(Golden::open) {
        let model = model(&golden);
        let config = model.config();
        let [_, _, frames, height, width] = golden.tensor::<5>("latents").dims();
        let grid = config.token_grid([frames, height, width]).expect("a valid size");
        let rope = RopeTable::new(config.attention_head_dim, grid, &Device::flex());
        for kind in ["clip", "frame", "token"] {
            let modulation = match kind {
                "clip" => golden.tensor::<3>("block.clip.modulation").unsqueeze_dim(1),
                _ => golden.tensor::<4>(&format!("block.{kind}.modulation")),
            };
            let condition = Condition {
                time: Tensor::zeros([1, 1, 1], &Device::flex()), // read by the output layer only
                modulation,
            };
            let block = &model.blocks[1];
            let text = block.keys_values(golden.tensor(&format!("block.{kind}.context")));
            let output =
                block.forward(golden.tensor(&format!("block.{kind}.x")), 1, &condition, &text, None, &rope);
            golden.assert_close(&format!("block.{kind}.output"), output);
        }
    }
}

#[test]
fn the_velocity_agrees_with_diffusers() {
    for golden in GOLDENS.map(Golden::open) {
        let model = model(&golden);
        let latents = golden.tensor::<5>("latents");
        let grid_frames = latents.dims()[2] / model.config().patch_size[0];
        let [batch, tokens] = golden.tensor::<2>("timestep.token").dims();
        let text = model.read(golden.tensor("context"));
        let velocity = |timestep| model.forward(latents.clone(), timestep, &text);

        let clip = golden.tensor::<1>("timestep.clip").unsqueeze_dim(1);
        golden.assert_close("velocity.clip", velocity(clip));
        golden.assert_close("velocity.token", velocity(golden.tensor("timestep.token")));
        golden.assert_close("velocity.frame", velocity(golden.tensor("timestep.frame")));
        // The same with one group for each frame.
        let by_frame = golden
            .tensor::<2>("timestep.frame")
            .reshape([batch, grid_frames, tokens / grid_frames])
            .narrow(2, 0, 1)
            .squeeze_dim(2);
        golden.assert_close("velocity.frame", velocity(by_frame));
    }
}

#[test]
fn a_checkpoint_has_the_keys_of_diffusers() {
    for golden in GOLDENS.map(Golden::open) {
        assert_round_trip(&golden, &model(&golden), empty(&golden));
    }
}

#[test]
fn first_weights_predict_a_velocity_of_zero() {
    let golden = Golden::open("transformer_a");
    let model = empty(&golden).init_weights(3);
    let text = model.read(golden.tensor("context"));
    let velocity = model.forward(golden.tensor("latents"), golden.tensor("timestep.token"), &text);
    assert_eq!(velocity.abs().max().into_scalar::<f32>(), 0.0);
}

#[test]
fn channels_that_show_nothing_may_be_left_out() {
    let device = Device::flex();
    let config = WanTransformer3dConfig {
        num_attention_heads: 1,
        attention_head_dim: 8,
        in_channels: 3,
        out_channels: 2,
        shown_channels: 1,
        text_dim: 4,
        freq_dim: 8,
        ffn_dim: 8,
        num_layers: 1,
        data_std: vec![None, Some(0.5)],
        ..Default::default()
    };
    let model = WanTransformer3d::new(&config, &device).expect("a valid configuration").init_weights(3);
    let text = model.read(Tensor::ones([1, 3, 4], &device));
    let latents = Tensor::<5>::random([1, 2, 2, 4, 4], Distribution::Default, &device);
    // What comes out is zero at first, so tokens are compared.
    let tokens = |shown: Option<f32>| {
        let seen = match shown {
            Some(value) => {
                Tensor::cat(vec![latents.clone(), Tensor::full([1, 1, 2, 4, 4], value, &device)], 1)
            }
            None => latents.clone(),
        };
        let (mut tokens, timestep) = (None, Tensor::full([1, 1], 500.0, &device));
        let velocity = model.forward_tapped(seen, timestep, &text, |_, x| tokens = Some(x.clone()));
        assert_eq!(velocity.dims(), [1, 2, 2, 4, 4]);
        tokens.expect("a block").into_data()
    };
    assert_eq!(tokens(None), tokens(Some(0.0)));
    assert_ne!(tokens(None), tokens(Some(1.0)));
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let refused: [(&str, WanTransformer3dConfig); 4] = [
        ("attention_head_dim", WanTransformer3dConfig { attention_head_dim: 7, ..Default::default() }),
        ("image_dim", WanTransformer3dConfig { image_dim: Some(1280), ..Default::default() }),
        ("qk_norm", WanTransformer3dConfig { qk_norm: None, ..Default::default() }),
        ("num_layers", WanTransformer3dConfig { num_layers: 0, ..Default::default() }),
    ];
    for (field, config) in refused {
        let message = config.check().expect_err(field).to_string();
        assert!(message.contains(&format!("`{field}`")), "{message}");
    }
    assert!(WanTransformer3dConfig::default().check().is_ok());
}

#[test]
fn a_grid_must_fit_patches_and_positions() {
    let config = WanTransformer3dConfig::default();
    assert_eq!(config.token_grid([5, 32, 18]).expect("fits"), [5, 16, 9]);
    for latents in [[5, 33, 18], [0, 32, 18], [1025, 32, 18]] {
        assert!(config.token_grid(latents).is_err(), "{latents:?}");
    }
}

#[test]
fn a_block_in_bf16_is_within_half_a_percent() {
    let device = Device::flex();
    let config = WanTransformer3dConfig {
        num_attention_heads: 4,
        attention_head_dim: 64,
        ffn_dim: 1024,
        num_layers: 1,
        ..WanTransformer3dConfig::default()
    };
    let dim = config.dim();
    let model = WanTransformer3d::new(&config, &device).expect("a valid configuration").init_weights(3);
    let mut block = model.blocks[0].clone();
    let grid = [3, 6, 8];
    let rope = RopeTable::new(config.attention_head_dim, grid, &device);
    let normal = |mean| Distribution::Normal(mean, 1.0);
    let condition = Condition {
        time: Tensor::zeros([1, 1, 1], &device),
        modulation: Tensor::random([1, 1, 6, dim], normal(0.5), &device),
    };
    let context = Tensor::<3>::random([1, 20, dim], normal(0.0), &device);
    let x = Tensor::<3>::random([1, grid.iter().product(), dim], normal(0.0), &device);
    let power = |x: Tensor<3>| x.square().mean().into_scalar::<f32>();
    let run = |block: &WanTransformerBlock| {
        block.forward(x.clone(), 1, &condition, &block.keys_values(context.clone()), None, &rope)
    };
    let exact = run(&block);
    let check = |what: &str, found: Tensor<3>| {
        let error = (power(found - exact.clone()) / power(exact.clone())).sqrt();
        assert!(error <= 5e-3, "{what}: {error}");
    };
    check("bf16", with_precision(Precision::Bf16, || run(&block)));
    block.pack(Packing::Bf16);
    check("packed", with_precision(Precision::Bf16, || run(&block)));
}
