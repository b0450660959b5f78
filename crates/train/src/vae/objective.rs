//! The autoencoder as an objective of the trainer.

use std::{collections::HashMap, path::Path};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use media::{Clip, SheetLayout, SheetRow};
use models::{
    ModelConfig,
    kinora::{AutoencoderKinora, AutoencoderKinoraConfig},
    weights::{Precision, load, save_folder},
};

use super::{VaeArgs, batch::Pictures, loss::moving_error, psnr, reconstruction_loss};
use crate::{
    dataset::{BYTES_PER_PIXEL, Store, Subset, to_clips, to_tensor},
    error::{Result, TrainError},
    files,
    log::Figures,
    optim::LrScale,
    parameters::to_scalar,
    random::{Purpose, noise},
    trainer::{Moment, Objective},
};

/// Frames of each clip on a sample sheet.
const SHEET_FRAMES: usize = 5;

pub struct VaeObjective<'a> {
    args: &'a VaeArgs,
    pictures: Pictures,
    validation: Store,
    device: Device,
}

impl<'a> VaeObjective<'a> {
    pub fn new(args: &'a VaeArgs, device: Device) -> Result<Self> {
        let advice = "make it with `kinora train data --validation 64`";
        let pictures = Pictures::open(&args.data, args, device.clone())?;
        Ok(Self {
            args,
            pictures,
            validation: Store::open(&args.data.join(Subset::Validation.name()), BYTES_PER_PIXEL, advice)?,
            device,
        })
    }

    /// The clips that are trained on.
    pub fn clips(&self) -> &Store {
        self.pictures.clips()
    }

    /// Each evaluation clip at full size, `[1, 3, frames, height, width]`.
    fn held_out(&self) -> impl Iterator<Item = Result<Tensor<5>>> + '_ {
        (0..self.validation.items().len().min(self.args.evaluate_clips)).map(|index| {
            let size = self.validation.items()[index].size;
            let config = self.args.config();
            config.latent_size(size).map_err(TrainError::part("the size of held-out clips"))?;
            Ok(to_tensor(&[self.validation.read(index)?], size, &self.device))
        })
    }

    /// Each evaluation clip, and rebuilt.
    fn rebuilt<'b>(
        &'b self,
        model: &'b AutoencoderKinora,
    ) -> impl Iterator<Item = Result<[Tensor<5>; 2]>> + 'b {
        self.held_out().map(|video| {
            let video = video?;
            let rebuilt = model.decode(model.encode(video.clone())).clamp(-1.0, 1.0);
            Ok([video, rebuilt])
        })
    }
}

impl Objective for VaeObjective<'_> {
    type Model = AutoencoderKinora;
    const NAME: &'static str = "vae";

    fn loss(&self, model: &AutoencoderKinora, moment: Moment) -> Result<(Tensor<1>, Figures)> {
        let (video, latents) = match self.pictures.denoised(self.args, moment)? {
            Some(pair) => pair,
            None => {
                let video = self.pictures.batch(self.args, moment)?;
                (video.clone(), model.valid().encode(video))
            }
        };
        let frames = video.dims()[2];
        let mut noise = noise(moment.seed, Purpose::Batch, moment.batch);
        let noise = noise.tensor(latents.dims(), &self.device) * self.args.latent_noise;
        let latents = latents + noise;
        let rebuilt = match self.args.upsampler_only {
            true => model.upsample(model.valid().decode_small(latents)),
            false => model.decode(latents),
        };
        let (loss, mse) = reconstruction_loss(video, rebuilt, &self.args.loss);
        let psnr = psnr(f64::from(to_scalar(mse)?));
        Ok((loss, Figures::new().with("frames", frames as f64).with("psnr", psnr)))
    }

    /// The code is the best there is of its kind: the decoder learns to read it.
    fn lr_scale(&self, name: &str) -> LrScale {
        let stays = match self.args.upsampler_only {
            true => !name.starts_with("decoder.upsampler."),
            false => name.starts_with("encoder."),
        };
        if stays { LrScale::Frozen } else { LrScale::Absolute }
    }

    fn is_hidden(&self, name: &str) -> bool {
        ["decoder.blocks.", "decoder.upsampler.blocks."].iter().any(|part| name.starts_with(part))
    }

    fn evaluate(&self, model: &AutoencoderKinora) -> Result<Figures> {
        let (mut whole, mut first, mut count) = (0.0, 0.0, 0.0);
        // Over all clips together: in some nothing moves.
        let (mut moving, mut values) = (0.0, 0.0);
        for pair in self.rebuilt(model) {
            let [video, rebuilt] = pair?;
            let error = (video.clone() - rebuilt).square();
            whole += psnr(f64::from(to_scalar(error.clone().mean())?));
            first += psnr(f64::from(to_scalar(error.clone().narrow(2, 0, 1).mean())?));
            count += 1.0;
            let [sum, of] = moving_error(video, error);
            moving += f64::from(to_scalar(sum)?);
            values += f64::from(to_scalar(of)?);
        }
        let mut figures = Figures::new().with("psnr", whole / count).with("psnr_first_frame", first / count);
        if values > 0.0 {
            figures = figures.with("psnr_moving", psnr(moving / values));
        }
        let (mut denoised, mut count) = (0.0, 0.0);
        for (index, video) in self.held_out().enumerate() {
            let Some(latents) = self.pictures.held_out(index)? else { break };
            let error = (model.decode(latents).clamp(-1.0, 1.0) - video?).square();
            denoised += psnr(f64::from(to_scalar(error.mean())?));
            count += 1.0;
        }
        Ok(if count > 0.0 { figures.with("psnr_denoised", denoised / count) } else { figures })
    }

    fn sample(&self, model: &AutoencoderKinora, path: &Path) -> Result<()> {
        let mut clips: Vec<Clip> = Vec::new();
        for pair in self.rebuilt(model) {
            for video in pair? {
                clips.extend(to_clips(video, f64::from(world::ClipSpec::default().fps))?);
            }
        }
        let captions = ["original", "rebuilt"];
        let rows: Vec<SheetRow<'_>> = clips
            .iter()
            .zip(captions.iter().cycle())
            .map(|(clip, caption)| SheetRow { clip, caption })
            .collect();
        let layout = SheetLayout { frames_per_clip: SHEET_FRAMES, clips_across: captions.len() };
        let sheet = media::contact_sheet(&rows, layout).map_err(TrainError::part("drawing samples"))?;
        media::write(&sheet, path, None).map_err(TrainError::part("writing samples"))
    }

    fn export(&self, model: &AutoencoderKinora, folder: &Path) -> Result<()> {
        files::write_folder(&folder.join("vae"), |part| {
            save_folder(model, model.config(), part, Precision::F32, &HashMap::new())
                .map_err(TrainError::part("exporting the autoencoder"))
        })
    }

    fn read(&self, folder: &Path) -> Result<AutoencoderKinora> {
        let folder = folder.join("vae");
        let read =
            || load(AutoencoderKinora::new(&AutoencoderKinoraConfig::load(&folder)?, &self.device)?, &folder);
        read().map_err(TrainError::part("reading the autoencoder"))
    }
}
