//! What a checkpoint may look like, and what each kind of damage is called.

use std::{collections::HashMap, fs, path::Path};

use burn::tensor::Device;
use half::bf16;
use safetensors::{
    SafeTensors, serialize,
    tensor::{Dtype, TensorView},
};

use super::{Naming, Precision, Source, load, load_bytes, save, save_folder, to_bytes};
use crate::{Error, ModelConfig, Result, golden::Golden, wan::WanTransformer3d, wan::WanTransformer3dConfig};

const GOLDEN: &str = "transformer_a";
const TABLE: &str = "blocks.1.scale_shift_table"; // [1, 6, 24]

fn config() -> WanTransformer3dConfig {
    Golden::open(GOLDEN).metadata("config")
}

fn empty() -> WanTransformer3d {
    WanTransformer3d::new(&config(), &Device::flex()).expect("a valid configuration")
}

/// The tensors of the golden's checkpoint: key, number format, shape, bytes.
fn tensors() -> Vec<(String, Dtype, Vec<usize>, Vec<u8>)> {
    let file = Golden::open(GOLDEN).checkpoint("model.");
    let tensors = SafeTensors::deserialize(&file).expect("a checkpoint").tensors();
    tensors.into_iter().map(|(key, t)| (key, t.dtype(), t.shape().to_vec(), t.data().to_vec())).collect()
}

fn file(tensors: &[(String, Dtype, Vec<usize>, Vec<u8>)]) -> Vec<u8> {
    let views = tensors.iter().map(|(key, dtype, shape, bytes)| {
        (key, TensorView::new(*dtype, shape.clone(), bytes).expect("a valid tensor"))
    });
    serialize(views, None).expect("serialisable")
}

fn bytes(model: &WanTransformer3d, precision: Precision) -> Vec<u8> {
    to_bytes(model, Path::new("test"), precision, &HashMap::new()).expect("serialised")
}

fn message(result: Result<WanTransformer3d>) -> String {
    result.expect_err("a damaged checkpoint").to_string()
}

/// Loads the golden's checkpoint after `change`, and says what went wrong.
fn complaint(change: impl Fn(&mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>)) -> String {
    let mut tensors = tensors();
    change(&mut tensors);
    message(load_bytes(empty(), "model.safetensors", &file(&tensors)))
}

#[test]
fn a_missing_tensor_is_named() {
    let message = complaint(|tensors| tensors.retain(|tensor| tensor.0 != TABLE));
    assert!(
        message.contains(TABLE) && message.contains("[1, 6, 24]") && message.contains("1 missing"),
        "{message}"
    );
}

#[test]
fn an_unused_tensor_is_named() {
    let message =
        complaint(|tensors| tensors.push(("lora.down".to_owned(), Dtype::F32, vec![1], vec![0; 4])));
    assert!(message.contains("model.safetensors: tensor `lora.down` [1]"), "{message}");
}

#[test]
fn another_shape_is_named() {
    let message = complaint(|tensors| {
        tensors.iter_mut().filter(|tensor| tensor.0 == TABLE).for_each(|tensor| tensor.2 = vec![1, 24, 6]);
    });
    assert!(message.contains(&format!("`{TABLE}`: expected [1, 6, 24], found [1, 24, 6]")), "{message}");
}

#[test]
fn another_number_format_is_named() {
    let message = complaint(|tensors| {
        tensors.iter_mut().filter(|tensor| tensor.0 == TABLE).for_each(|tensor| tensor.1 = Dtype::I32);
    });
    assert!(message.contains(TABLE) && message.contains("found I32"), "{message}");
}

#[test]
fn a_number_that_is_not_finite_is_named_in_every_tensor_and_format() {
    for (at, (key, ..)) in tensors().into_iter().enumerate() {
        let (value, shown) = [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")][at % 3];
        let message = complaint(|tensors| {
            let (.., bytes) = tensors.iter_mut().find(|tensor| tensor.0 == key).expect("there");
            let end = bytes.len() - 4;
            bytes[end..].copy_from_slice(&value.to_le_bytes());
        });
        let names = [format!("model.safetensors: tensor `{key}`"), format!("found {shown} at [")];
        assert!(names.iter().all(|name| message.contains(name)), "{message}");
    }
    let nan_at = |dtype, value: [u8; 2]| {
        complaint(|tensors| {
            let (_, found, shape, bytes) =
                tensors.iter_mut().find(|tensor| tensor.0 == TABLE).expect("there");
            assert_eq!(shape, &[1, 6, 24]);
            *found = dtype;
            *bytes = vec![0; bytes.len() / 2];
            bytes[2 * (3 * 24 + 5)..][..2].copy_from_slice(&value);
        })
    };
    for message in [
        nan_at(Dtype::BF16, bf16::NAN.to_le_bytes()),
        nan_at(Dtype::F16, half::f16::NAN.to_le_bytes()),
        nan_at(Dtype::F16, half::f16::INFINITY.to_le_bytes()),
    ] {
        assert!(message.contains(TABLE) && message.contains("at [0, 3, 5]"), "{message}");
    }
}

#[test]
fn numbers_are_counted_and_their_format_is_looked_at_before_they_are_read() {
    let mut all = tensors();
    let count = all.iter().map(|tensor| tensor.2.iter().product::<usize>() as u64).sum::<u64>();
    assert_eq!(Source::bytes("x", &file(&all)).expect("a file").num_values().expect("read"), count);
    all.iter_mut().filter(|tensor| tensor.0 == TABLE).for_each(|tensor| {
        tensor.1 = Dtype::F8_E4M3;
        tensor.3.truncate(144);
    });
    let message = Source::bytes("x", &file(&all)).expect("a file").num_values().expect_err("fp8").to_string();
    assert!(message.contains(TABLE) && message.contains("F8_E4M3"), "{message}");
}

#[test]
fn a_variant_is_read_alone_or_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = file(&tensors());
    fs::write(folder.path().join("diffusion_pytorch_model.fp16.safetensors"), &all).expect("written");
    load(empty(), folder.path()).expect("the only one");
    fs::write(folder.path().join("diffusion_pytorch_model.bf16.safetensors"), &all).expect("written");
    let complaint = message(load(empty(), folder.path()));
    assert!(complaint.contains("bf16, fp16") && complaint.contains("--variant"), "{complaint}");
    let source = Source::open(folder.path(), Naming::DIFFUSERS, Some("fp16")).expect("named");
    assert!(source.name().ends_with("diffusion_pytorch_model.fp16.safetensors"));
}

#[test]
fn a_stale_file_beside_an_index_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut stale = tensors();
    stale[0].3.fill(0);
    fs::write(path("diffusion_pytorch_model.safetensors"), file(&stale)).expect("written");
    fs::write(path("shard.safetensors"), file(&tensors())).expect("written");
    let map = tensors().into_iter().map(|tensor| (tensor.0, "shard.safetensors")).collect::<HashMap<_, _>>();
    let index = serde_json::json!({ "weight_map": map }).to_string();
    fs::write(path("diffusion_pytorch_model.safetensors.index.json"), index).expect("written");
    let whole = load_bytes(empty(), "whole", &file(&tensors())).expect("loaded");
    let found = load(empty(), folder.path()).expect("loaded");
    assert_eq!(bytes(&found, Precision::F32), bytes(&whole, Precision::F32));
}

#[test]
fn a_damaged_file_is_refused() {
    let whole = file(&tensors());
    let mut endless = whole.clone();
    endless[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut scrambled = whole.clone();
    scrambled[8..40].fill(b'?');
    for damaged in [&whole[..0], &whole[..7], &whole[..100], &whole[..whole.len() - 1], &endless, &scrambled]
    {
        let error = load_bytes(empty(), "x.safetensors", damaged).expect_err("damaged");
        assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    }
}

#[test]
fn shards_are_read_through_their_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = tensors();
    let (first, second) = all.split_at(all.len() / 2);
    let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    fs::write(folder.path().join(names[0]), file(first)).expect("written");
    fs::write(folder.path().join(names[1]), file(second)).expect("written");
    let mut map = HashMap::new();
    for (name, shard) in names.iter().zip([first, second]) {
        map.extend(shard.iter().map(|tensor| (tensor.0.clone(), (*name).to_owned())));
    }
    let index = folder.path().join("diffusion_pytorch_model.safetensors.index.json");
    let write = |map: &HashMap<String, String>| {
        fs::write(&index, serde_json::json!({ "metadata": {}, "weight_map": map }).to_string())
            .expect("written");
    };
    write(&map);
    let whole = load_bytes(empty(), "whole", &file(&all)).expect("loaded");
    let sharded = load(empty(), folder.path()).expect("loaded from shards");
    assert_eq!(bytes(&sharded, Precision::F32), bytes(&whole, Precision::F32));

    map.insert(first[0].0.clone(), names[1].to_owned());
    write(&map);
    let message = message(load(empty(), folder.path()));
    assert!(message.contains(&first[0].0) && message.contains(names[1]), "{message}");
}

#[test]
fn a_folder_without_weights_says_what_it_looked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let message = message(load(empty(), folder.path()));
    assert!(message.contains("diffusion_pytorch_model.safetensors"), "{message}");
    assert!(matches!(load(empty(), &folder.path().join("no.safetensors")), Err(Error::Io { .. })));
}

#[test]
fn bf16_is_rounded_once() {
    let model = load_bytes(empty(), "whole", &file(&tensors())).expect("loaded");
    let halved = bytes(&model, Precision::Bf16);
    let again = load_bytes(empty(), "halved", &halved).expect("loaded");
    assert_eq!(bytes(&again, Precision::Bf16), halved);

    let rounded = bytes(&again, Precision::F32);
    let rounded = SafeTensors::deserialize(&rounded).expect("a checkpoint");
    let float = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    for (key, _, _, exact) in tensors() {
        let rounded = rounded.tensor(&key).expect("the same keys").data();
        for (exact, rounded) in exact.chunks_exact(4).zip(rounded.chunks_exact(4)) {
            assert_eq!(bf16::from_f32(float(exact)).to_f32(), float(rounded), "{key}");
        }
    }
}

#[test]
fn a_saved_folder_is_a_model_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("transformer");
    let model = empty().init_weights(5);
    save_folder(&model, &config(), &path, Precision::F32, &HashMap::new()).expect("saved");
    let config = WanTransformer3dConfig::load(&path).expect("the configuration");
    assert_eq!(&config, model.config());
    let again = load(WanTransformer3d::new(&config, &Device::flex()).expect("valid"), &path).expect("loaded");
    assert_eq!(bytes(&again, Precision::F32), bytes(&model, Precision::F32));
    assert_eq!(fs::read_dir(&path).expect("a folder").count(), 2, "no temporary file is left");
}

#[test]
fn a_failed_save_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).expect("a folder in the way");
    assert!(save(&empty(), &taken, Precision::F32, &HashMap::new()).is_err());
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn a_seed_decides_the_first_weights() {
    let first = |seed| bytes(&empty().init_weights(seed), Precision::F32);
    assert_eq!(first(1), first(1));
    assert_ne!(first(1), first(2));
}
