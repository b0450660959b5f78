//! A model folder of a published size with random weights: for measurements of memory and speed, which do not depend on
//! what a model has learnt.
//!
//!     cargo run --release -p kinora-engine --example random_model -- wan-2.1-1.3b FOLDER
//!
//! A text encoder that is in the folder already stays: all sizes have the same, and a link to another's saves 11 GB.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use burn::tensor::Device;
use diffusion::{Sampler, SchedulerConfig};
use half::bf16;
use models::{
    ModelConfig,
    umt5::{Umt5Config, Umt5Encoder},
    wan::{AutoencoderKlWan, AutoencoderKlWanConfig, WanTransformer3d, WanTransformer3dConfig},
    weights::{Checkpoint, Parameter, header, parameters},
};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::{Dtype, tensor::TensorInfo};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// As in published checkpoints.
const LARGEST_SHARD: usize = 5_000_000_000;

fn main() -> Result<()> {
    let arguments = env::args().skip(1).collect::<Vec<_>>();
    let [name, folder] = arguments.as_slice() else {
        return Err(format!("usage: random_model {} FOLDER", NAMES.join("|")).into());
    };
    let (transformer, vae, is_2_2) = sizes(name)?;
    let folder = Path::new(folder);
    let text = umt5_xxl();
    let device = Device::flex();
    if !folder.join("text_encoder").exists() {
        write(&Umt5Encoder::new(&text, &device)?, &text, &folder.join("text_encoder"), Dtype::BF16)?;
    }
    let denoiser = WanTransformer3d::new(&transformer, &device)?;
    write(&denoiser, &transformer, &folder.join("transformer"), Dtype::BF16)?;
    write(&AutoencoderKlWan::new(&vae, &device)?, &vae, &folder.join("vae"), Dtype::F32)?;

    let tokenizer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/kinora-tiny/tokenizer");
    fs::create_dir_all(folder.join("tokenizer"))?;
    fs::copy(tokenizer.join("tokenizer.json"), folder.join("tokenizer/tokenizer.json"))?;
    let config = fs::read_to_string(tokenizer.join("tokenizer_config.json"))?;
    let mut config: serde_json::Value = serde_json::from_str(&config)?;
    config["model_max_length"] = 512.into();
    fs::write(folder.join("tokenizer/tokenizer_config.json"), config.to_string())?;
    fs::create_dir_all(folder.join("scheduler"))?;
    let scheduler = SchedulerConfig::new(Sampler::UniPc, if is_2_2 { 5.0 } else { 3.0 });
    fs::write(folder.join("scheduler/scheduler_config.json"), scheduler.to_json())?;
    let index =
        json!({ "_class_name": "WanPipeline", "expand_timesteps": is_2_2, "transformer_2": [null, null] });
    fs::write(folder.join("model_index.json"), index.to_string())?;
    Ok(())
}

const NAMES: [&str; 3] = ["wan-2.1-1.3b", "wan-2.1-14b", "wan-2.2-ti2v-5b"];

/// Denoiser, autoencoder, and whether each latent frame has its own timestep.
fn sizes(name: &str) -> Result<(WanTransformer3dConfig, AutoencoderKlWanConfig, bool)> {
    let of_14b = WanTransformer3dConfig::default();
    let vae_21 = AutoencoderKlWanConfig::default();
    Ok(match name {
        "wan-2.1-1.3b" => (
            WanTransformer3dConfig { num_attention_heads: 12, ffn_dim: 8960, num_layers: 30, ..of_14b },
            vae_21,
            false,
        ),
        "wan-2.1-14b" => (of_14b, vae_21, false),
        "wan-2.2-ti2v-5b" => (
            WanTransformer3dConfig {
                num_attention_heads: 24,
                ffn_dim: 14336,
                num_layers: 30,
                in_channels: 48,
                out_channels: 48,
                ..of_14b
            },
            AutoencoderKlWanConfig {
                base_dim: 160,
                decoder_base_dim: Some(256),
                z_dim: 48,
                is_residual: true,
                in_channels: 12,
                out_channels: 12,
                patch_size: Some(2),
                scale_factor_spatial: 16,
                latents_mean: vec![0.0; 48],
                latents_std: vec![1.0; 48],
                ..vae_21
            },
            true,
        ),
        _ => return Err(format!("{name}: expected one of {}", NAMES.join(", ")).into()),
    })
}

fn umt5_xxl() -> Umt5Config {
    Umt5Config {
        vocab_size: 256_384,
        d_model: 4096,
        d_kv: 64,
        d_ff: 10_240,
        num_layers: 24,
        num_heads: 64,
        ..Umt5Config::default()
    }
}

/// Writes the part's configuration, its weights in shards, and their index if there are several.
fn write<M: Checkpoint, C: ModelConfig>(model: &M, config: &C, folder: &Path, dtype: Dtype) -> Result<()> {
    fs::create_dir_all(folder)?;
    config.save(folder)?;
    let bytes = |parameter: &Parameter| parameter.shape.iter().product::<usize>() * dtype.bitsize() / 8;
    let mut shards: Vec<Vec<Parameter>> = vec![Vec::new()];
    let mut size = 0;
    for parameter in parameters(model) {
        size += bytes(&parameter);
        if size > LARGEST_SHARD {
            shards.push(Vec::new());
            size = bytes(&parameter);
        }
        shards.last_mut().expect("one at least").push(parameter);
    }
    let count = shards.len();
    let mut index = BTreeMap::new();
    for (number, shard) in (1..).zip(&shards) {
        let name = match count {
            1 => format!("{}.safetensors", M::NAMING.stem),
            _ => format!("{}-{number:05}-of-{count:05}.safetensors", M::NAMING.stem),
        };
        write_shard(shard, dtype, &folder.join(&name))?;
        index.extend(shard.iter().map(|parameter| (parameter.key.clone(), name.clone())));
    }
    if count > 1 {
        let index = json!({ "metadata": {}, "weight_map": index });
        fs::write(folder.join(format!("{}.safetensors.index.json", M::NAMING.stem)), index.to_string())?;
    }
    Ok(())
}

fn write_shard(parameters: &[Parameter], dtype: Dtype, path: &Path) -> Result<()> {
    let mut start = 0;
    let infos = parameters.iter().map(|parameter| {
        let end = start + parameter.shape.iter().product::<usize>() * dtype.bitsize() / 8;
        let info = TensorInfo { dtype, shape: parameter.shape.clone(), data_offsets: (start, end) };
        start = end;
        (parameter.key.clone(), info)
    });
    let header = header(infos.collect(), None)?;
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    file.write_all(&header)?;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for Parameter { key, shape, .. } in parameters {
        let (mean, size) = start_of(key, shape);
        for _ in 0..shape.iter().product::<usize>() {
            // Even over -1 to 1.
            let value = mean + size * (rng.next_u32() as i32 as f32 / i32::MAX as f32);
            match dtype {
                Dtype::BF16 => file.write_all(&bf16::from_f32(value).to_le_bytes())?,
                _ => file.write_all(&value.to_le_bytes())?,
            }
        }
    }
    Ok(file.flush()?)
}

/// The middle and the half width of a parameter's values: such that a forward pass keeps its size.
fn start_of(key: &str, shape: &[usize]) -> (f32, f32) {
    let inputs = shape.iter().skip(1).product::<usize>().max(1) as f32;
    match key {
        _ if key.ends_with(".bias") => (0.0, 0.0),
        _ if key.contains("norm") => (1.0, 0.0),
        _ if key.ends_with("scale_shift_table") || key.contains("relative_attention_bias") => (0.0, 0.02),
        "shared.weight" => (0.0, 1.0),
        // Scores of attention in the text encoder are not scaled.
        _ if key.ends_with("SelfAttention.q.weight") => (0.0, (3.0 / inputs).sqrt() / 8.0),
        _ => (0.0, (3.0 / inputs).sqrt()),
    }
}
