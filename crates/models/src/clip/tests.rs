//! Agreement of the image encoder with transformers.

use burn::tensor::Device;
use safetensors::SafeTensors;

use super::{ClipVision, normed};
use crate::{
    golden::{Golden, assert_round_trip},
    weights::load_bytes,
};

const GOLDENS: [&str; 2] = ["clip_a", "clip_b"];

fn empty(golden: &Golden) -> ClipVision {
    ClipVision::new(&golden.metadata("config"), &Device::flex()).expect("a valid configuration")
}

#[test]
fn features_agree_with_transformers() {
    for golden in GOLDENS.map(Golden::open) {
        let model = golden.fill(empty(&golden), "model.");
        golden.assert_close("features", model.forward(golden.tensor("pictures")));
    }
}

#[test]
fn a_checkpoint_has_the_keys_of_transformers() {
    for golden in GOLDENS.map(Golden::open) {
        assert_round_trip(&golden, &golden.fill(empty(&golden), "model."), empty(&golden));
    }
}

#[test]
fn keys_may_have_the_name_of_the_half_before_them() {
    let golden = Golden::open("clip_a");
    let bytes = golden.checkpoint("model.");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let prefixed = tensors.iter().map(|(key, view)| (format!("vision_model.{key}"), view));
    let prefixed = safetensors::serialize(prefixed, None).expect("serialisable");
    let model = load_bytes(empty(&golden), "prefixed", &prefixed).expect("loaded");
    golden.assert_close("features", model.forward(golden.tensor("pictures")));
}

#[test]
fn colours_are_normed_apart() {
    // Red, black, white, and CLIP's mean.
    let picture = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.481_454_66, 0.457_827_5, 0.408_210_73];
    let found = normed(&picture, 2, &Device::flex()).into_data().try_into_vec::<f32>().expect("values");
    let expected = [
        [1.930_336, -1.792_263, 1.930_336, 0.0],
        [-1.752_097, -1.752_097, 2.074_884, 0.0],
        [-1.480_22, -1.480_22, 2.145_897, 0.0],
    ];
    for (found, expected) in found.iter().zip(expected.as_flattened()) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
}
