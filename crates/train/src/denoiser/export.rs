//! The trained model as a diffusers pipeline.

use std::{collections::HashMap, fs, path::Path};

use burn::tensor::Device;
use engine::{NativeClip, Planner, Prompts, Size, track_code};
use models::{
    ModelConfig,
    family::{Autoencoder, AutoencoderConfig, DenoiserConfig},
    wan::{WanTransformer3d, WanTransformer3dConfig},
    weights::{Checkpoint, Precision, load, save_folder},
};
use serde_json::json;
use world::ClipSpec;

use super::{Denoiser, DenoiserArgs};
use crate::{
    error::{Result, TrainError},
    files,
    tokenizer::PromptTokenizer,
};

/// Writes `folder` as a `WanPipeline` in one piece; sampler, guidance and number format are those of `args`.
pub fn export(
    model: &Denoiser,
    (vae, planner): (&Autoencoder, Option<&WanTransformer3d>),
    tokenizer: &PromptTokenizer,
    args: &DenoiserArgs,
    folder: &Path,
) -> Result<()> {
    let precision = args.dtype.saved();
    files::write_folder(folder, |part| {
        let part = |name: &str| part.join(name);
        save(&model.transformer, model.transformer.config(), &part("transformer"), precision)?;
        save(&model.text_encoder, model.text_encoder.config(), &part("text_encoder"), precision)?;
        if let Some(planner) = planner {
            save(planner, planner.config(), &part("planner"), precision)?;
        }
        let folder = part("vae");
        vae.save(&folder, precision).map_err(TrainError::part(format!("exporting {}", folder.display())))?;
        tokenizer.save(&part("tokenizer"))?;
        let scheduler = part("scheduler");
        fs::create_dir_all(&scheduler).map_err(TrainError::io(&scheduler))?;
        let path = scheduler.join("scheduler_config.json");
        files::write_text(&path, &args.scheduler().to_json())?;
        files::write_json(&part("model_index.json"), &index(model.transformer.config(), &vae.config(), args))
    })
}

/// The planner that `args` ask for, if they do.
///
/// # Errors
/// A folder without one, or with one for another text encoder or autoencoder.
pub fn planner(
    args: &DenoiserArgs,
    vae: &AutoencoderConfig,
    device: &Device,
) -> Result<Option<WanTransformer3d>> {
    let Some(folder) = &args.planner else { return Ok(None) };
    let part = |what| TrainError::part::<models::Error>(what);
    let config = WanTransformer3dConfig::load(folder).map_err(part("--planner"))?;
    let code = track_code(vae.scale_factors()[0]);
    let of_config = DenoiserConfig::Wan(config.clone());
    if let Some((what, expected, found)) = Planner::misfit(&of_config, code, args.text.text_dim) {
        return Err(TrainError::Mismatch {
            path: folder.join("config.json"),
            what: what.into(),
            expected,
            found: found.to_string(),
        });
    }
    let read = || load(WanTransformer3d::new(&config, device)?, folder);
    read().map(Some).map_err(part("--planner"))
}

fn save<M: Checkpoint, C: ModelConfig>(
    model: &M,
    config: &C,
    folder: &Path,
    precision: Precision,
) -> Result<()> {
    save_folder(model, config, folder, precision, &HashMap::new())
        .map_err(TrainError::part(format!("exporting {}", folder.display())))
}

/// `model_index.json`: the classes of the parts, that each token has its own timestep, and the clip that the
/// model is trained on, which `engine` makes where a request leaves size, steps or guidance open; twice as long, in windows, where
/// it leaves the length open.
fn index(
    transformer: &WanTransformer3dConfig,
    vae: &AutoencoderConfig,
    args: &DenoiserArgs,
) -> serde_json::Value {
    let ClipSpec { width, height, num_frames, fps } = ClipSpec::default();
    let native = NativeClip {
        size: Size { width: width * vae.upscale(), height: height * vae.upscale() },
        num_frames,
        default_num_frames: Some(2 * num_frames - 1),
        default_precision: None,
        fps: f64::from(fps),
        guidance_scale: args.guidance_scale,
        num_inference_steps: args.sample_steps,
        fine_noise: args.fine_noise,
        prompts: Prompts::World,
        tracks_tell_events: args.is_told_by_tracks_alone(),
    };
    let library = if transformer.is_diffusers() { "diffusers" } else { "kinora" };
    let mut index = json!({
        "_class_name": "WanPipeline",
        "_diffusers_version": "0.42.1",
        "_kinora": native,
        "boundary_ratio": null,
        "expand_timesteps": true,
        "scheduler": ["diffusers", "UniPCMultistepScheduler"],
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "transformer": [library, transformer.class()],
        "transformer_2": [null, null],
        "vae": vae.class_in_index(),
    });
    if args.planner.is_some() {
        index["planner"] = json!(["kinora", "KinoraTransformer3DModel"]);
    }
    index
}

#[cfg(test)]
mod tests {
    use models::kinora::AutoencoderKinoraConfig;

    use super::*;

    #[test]
    fn the_index_says_what_the_model_is_trained_on() {
        let args = DenoiserArgs { guidance_scale: 3.5, sample_steps: 12, ..DenoiserArgs::default() };
        let vae = AutoencoderConfig::Kinora(Default::default());
        let index = |data_std| {
            index(&WanTransformer3dConfig { data_std, ..WanTransformer3dConfig::default() }, &vae, &args)
        };
        assert_eq!(
            index(Vec::new())["_kinora"],
            json!({
                "size": "128x128", "num_frames": 17, "default_num_frames": 33, "fps": 8.0, "guidance_scale": 3.5, "num_inference_steps": 12,
                "prompts": "world",
            })
        );
        let larger = AutoencoderConfig::Kinora(AutoencoderKinoraConfig { upscale: 2, ..Default::default() });
        let of_larger = super::index(&WanTransformer3dConfig::default(), &larger, &args);
        assert_eq!(of_larger["_kinora"]["size"], "256x256");
        assert_eq!(index(Vec::new())["transformer"], json!(["diffusers", "WanTransformer3DModel"]));
        assert_eq!(index(vec![Some(0.5); 16])["transformer"], json!(["kinora", "KinoraTransformer3DModel"]));
    }
}
