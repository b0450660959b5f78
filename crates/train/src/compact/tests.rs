use burn::tensor::Tensor;
use rand::Rng;

use super::*;
use crate::{
    dataset::StoreWriter,
    latents::{self, LatentsArgs},
    number_format,
    random::{Purpose, noise, rng},
};

const SIZE: [usize; 3] = [5, 16, 16];
const Z_DIM: usize = 6;

fn config() -> AutoencoderKlWanConfig {
    AutoencoderKlWanConfig {
        base_dim: 4,
        z_dim: Z_DIM,
        dim_mult: vec![1, 2, 2],
        num_res_blocks: 1,
        temperal_downsample: vec![true, true],
        is_residual: true,
        in_channels: 12,
        out_channels: 12,
        patch_size: Some(2),
        latents_mean: vec![0.0; Z_DIM],
        latents_std: vec![1.0; Z_DIM],
        ..AutoencoderKlWanConfig::default()
    }
}

/// Random clips, and an autoencoder with random weights whose decoder hears `rank` directions of
/// its latents.
fn prepared(folder: &Path, rank: usize) -> CompactArgs {
    let data = folder.join("data");
    for (item, subset) in Subset::ALL.into_iter().enumerate() {
        let mut rng = rng(3, Purpose::Batch, item as u64);
        let mut writer = StoreWriter::open(&data.join(subset.name())).unwrap();
        for _ in 0..3 {
            let pixels: Vec<u8> = (0..SIZE.iter().product::<usize>() * 3).map(|_| rng.random()).collect();
            writer.append(SIZE, vec!["noise".into()], &pixels, None).unwrap();
        }
    }
    let vae = AutoencoderKlWan::new(&config(), &Device::flex()).unwrap().init_weights(5);
    let mut weights = Weights::of(&vae).unwrap();
    let mut rng = rng(4, Purpose::Batch, 0);
    let mut uniform = |rows, columns| DMatrix::from_fn(rows, columns, |_, _| rng.random_range(-1.0..1.0));
    weights.set("post_quant_conv.weight", &(uniform(Z_DIM, rank) * uniform(rank, Z_DIM)));
    weights.set("quant_conv.bias", &uniform(2 * Z_DIM, 1));
    // An offset would be one more direction.
    weights.set("post_quant_conv.bias", &DMatrix::zeros(Z_DIM, 1));
    let vae = folder.join("vae");
    save(&weights, &config(), &Device::flex(), &vae).unwrap();

    let latents = folder.join("latents");
    let precision = number_format::NumberFormat::F32;
    let encode =
        LatentsArgs { data, vae: vae.clone(), output: latents.clone(), precision, ..LatentsArgs::default() };
    latents::make(&encode, &()).unwrap();
    CompactArgs { vae, latents, channels: rank, output: folder.join("compact") }
}

/// Latents of a clip and what is decoded from them.
fn rebuilt(vae: &Path, video: &Tensor<5>) -> [Vec<f32>; 2] {
    let config = AutoencoderKlWanConfig::load(vae).unwrap();
    let vae = read_vae(vae, &config, &Device::flex()).unwrap();
    let latents = vae.encode(video.clone()).mean;
    [latents.clone(), vae.decode(latents)].map(|tensor| parameters::to_vec(tensor).unwrap())
}

#[test]
fn directions_that_the_decoder_does_not_hear_go_and_nothing_else_changes() {
    let folder = tempfile::tempdir().unwrap();
    let args = prepared(folder.path(), 3);
    assert!(compact(&args).unwrap() < 1e-6);

    let [frames, height, width] = SIZE;
    let video = noise(6, Purpose::Sample, 0).tensor([1, 3, frames, height, width], &Device::flex());
    let ([_, before], [latents, after]) = (rebuilt(&args.vae, &video), rebuilt(&args.output, &video));
    assert_eq!(latents.len(), 3 * 2 * 2 * 2);
    let scale = before.iter().fold(0.0_f32, |max, value| max.max(value.abs()));
    let worst = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-3 * scale, "{worst} of {scale}");
}

#[test]
fn new_latents_are_uncorrelated_with_variance_1_and_the_mean_of_the_config() {
    let folder = tempfile::tempdir().unwrap();
    let args = prepared(folder.path(), 2);
    compact(&args).unwrap();
    let output = folder.path().join("latents-2");
    let encode = LatentsArgs {
        data: folder.path().join("data"),
        vae: args.output.clone(),
        output: output.clone(),
        precision: number_format::NumberFormat::F32,
        ..LatentsArgs::default()
    };
    let config = AutoencoderKlWanConfig::load(&args.output).unwrap();
    latents::make(&encode, &()).unwrap();
    let moments = Moments::measure(&LatentStore::open(&output, Subset::Clips).unwrap()).unwrap();
    let covariance = &moments.second - &moments.mean * moments.mean.transpose();
    let off = (covariance - DMatrix::identity(2, 2)).abs().max();
    assert!(off < 0.02, "{off}");
    for (mean, expected) in moments.mean.iter().zip(&config.latents_mean) {
        assert!((mean - expected).abs() < 0.02, "{mean} {expected}");
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let args = prepared(folder.path(), 2);
    for channels in [0, Z_DIM + 1] {
        let message = compact(&CompactArgs { channels, ..args.clone() }).unwrap_err().to_string();
        assert!(message.contains("--channels") && message.contains("1 to 6"), "{message}");
    }
    let message = compact(&CompactArgs { output: args.vae.clone(), ..args }).unwrap_err().to_string();
    assert!(message.contains("--output"), "{message}");
}

#[test]
fn sizes_that_are_meant_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let args = prepared(folder.path(), 2);
    let config = AutoencoderKlWanConfig { latents_std: vec![3.0; Z_DIM], ..config() };
    config.save(&args.vae).unwrap();
    let encode = |keep_scale| {
        let output = folder.path().join(format!("kept-{keep_scale}"));
        let data = folder.path().join("data");
        let precision = number_format::NumberFormat::F32;
        let vae = args.vae.clone();
        latents::make(
            &LatentsArgs { data, vae, output, keep_scale, precision, ..LatentsArgs::default() },
            &(),
        )
        .unwrap();
        AutoencoderKlWanConfig::load(&args.vae).unwrap().latents_std
    };
    assert_eq!(encode(true), config.latents_std);
    assert_ne!(encode(false), config.latents_std);
}
