//! `kinora train latents`: every clip and still encoded once, and the latents' statistics.

mod denoised;
mod resized;

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::{Device, Tensor, TensorData};
use clap::Args;
use half::{bf16, f16};
use models::family::{Autoencoder, AutoencoderConfig, PartConfig};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use self::{denoised::Renoised, resized::Resized};
use crate::{
    dataset::{self, BYTES_PER_PIXEL, ClipShape, Plan, Recipe, Store, StoreWriter, Subset, to_tensor},
    error::{Result, TrainError},
    files, fingerprint,
    lock::Lock,
    number_format::NumberFormat,
    observer::{Observer, Progress},
    parameters::to_vec,
    samples::MadeBy,
    schedule::Ramp,
    setting,
};

/// What to encode with what.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatentsArgs {
    /// Folder that `kinora train data` made
    #[arg(long, default_value_os_t = Self::default().data)]
    pub data: PathBuf,
    /// Folder of the autoencoder
    #[arg(long, default_value_os_t = Self::default().vae)]
    pub vae: PathBuf,
    /// Folder of the latents; what is there is kept and added to
    #[arg(long, default_value_os_t = Self::default().output)]
    pub output: PathBuf,
    /// Write the latents' mean and standard deviation into config.json, so that the denoiser sees channels of one size.
    /// Those of `kinora train vae` are meant to differ
    #[arg(long, conflicts_with = "denoised_by")]
    #[serde(default)]
    pub measure_scale: bool,
    /// How many times smaller than they are the code is to see the pictures, if not as the autoencoder has it: with 1, small pictures
    /// do for an autoencoder of large ones, and with 2 large ones are encoded as another would that draws them
    #[arg(long)]
    #[serde(default)]
    pub upscale: Option<usize>,
    /// Folder of a model that is to make the latents anew in part, for `train vae --denoised`: they are noised, and denoised by
    /// what the clips show. They are of no use to a denoiser
    #[arg(long)]
    #[serde(default)]
    pub denoised_by: Option<PathBuf>,
    /// The range of that noise, as a share of all
    #[arg(long, default_value_t = Self::default().noise)]
    #[serde(default = "half_of_it")]
    pub noise: Ramp,
    /// How many channels, of the first ones, stay as they are. Where these are the coarse ones, the others can be made of nothing but
    /// noise (--noise 1), as the denoiser makes them, and what the clip shows is still known
    #[arg(long, requires = "denoised_by", default_value_t = Self::default().kept_channels)]
    #[serde(default)]
    pub kept_channels: usize,
    /// Seed of that noise
    #[arg(long, default_value_t = Self::default().seed)]
    #[serde(default)]
    pub seed: u64,
    /// Encode what there is of a data set that is not whole
    #[arg(long)]
    #[serde(default)]
    pub allow_partial: bool,
    /// Number format of the products
    #[arg(long, default_value_t = Self::default().precision)]
    pub precision: NumberFormat,
}

impl Default for LatentsArgs {
    fn default() -> Self {
        Self {
            data: "kinora-data".into(),
            vae: "kinora-run/vae".into(),
            output: "kinora-latents".into(),
            measure_scale: false,
            upscale: None,
            denoised_by: None,
            noise: half_of_it(),
            kept_channels: 0,
            seed: 0,
            allow_partial: false,
            precision: NumberFormat::Bf16,
        }
    }
}

/// From little noise to so much that a thing may move.
fn half_of_it() -> Ramp {
    Ramp { start: 0.25, end: 0.75 }
}

/// `latents.json`: the encoder that all latents come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Of the weights of its encoder.
    vae_fingerprint: String,
    channels: usize,
    /// How many there are to be; older folders do not say.
    #[serde(default)]
    plan: Option<Plan>,
    /// The seed of the data set, if `kinora train data` made it.
    #[serde(default)]
    world_seed: Option<u64>,
    /// Its shapes, if others than the common ones.
    #[serde(default)]
    world_shapes: Vec<ClipShape>,
    /// How many times smaller the code saw the pictures, if not as the autoencoder has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upscale: Option<usize>,
    /// What made them anew in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    denoised: Option<DenoisedBy>,
    /// What made them from nothing but noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<MadeBy>,
}

/// What made latents anew in part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct DenoisedBy {
    /// Of all the files of the model.
    model: String,
    noise: Ramp,
    #[serde(default)]
    kept_channels: usize,
    seed: u64,
}

impl Header {
    /// Of latents of so many channels, of the encoder in `vae`.
    ///
    /// # Errors
    /// Files that cannot be read.
    fn of(vae: &Path, channels: usize) -> Result<Self> {
        Ok(Self { vae_fingerprint: encoder_fingerprint(vae)?, channels, ..Self::default() })
    }

    /// Of so many samples of a model whose autoencoder is in `vae`.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn of_samples(vae: &Path, channels: usize, clips: usize, made: MadeBy) -> Result<Self> {
        let plan = Some(Plan { clips, stills: 0, validation: 0 });
        Ok(Self { plan, made: Some(made), ..Self::of(vae, channels)? })
    }

    /// Whether latents with this header and with `other` can be in one folder.
    fn goes_with(&self, other: &Self) -> bool {
        let origin = |header: &Self| Self { plan: None, ..header.clone() };
        origin(self) == origin(other)
    }
}

/// Encodes what is missing, then measures. It can be stopped; a second run goes on.
///
/// # Errors
/// A data set that is missing or not whole, a missing autoencoder, sizes that the autoencoder cannot take, latents of
/// another autoencoder or of other clips, a folder that another process writes; [`TrainError::Stopped`].
pub fn make(args: &LatentsArgs, observer: &dyn Observer) -> Result<()> {
    let config = AutoencoderConfig::load(&args.vae).map_err(TrainError::part("the autoencoder"))?;
    dataset::check_whole(&args.data, args.allow_partial)?;
    let device = Device::flex();
    let vae = read_vae(&args.vae, &config, &device)?;
    let count = |subset: Subset| dataset::count(&args.data.join(subset.name()));
    let plan = Plan {
        clips: count(Subset::Clips)?,
        stills: count(Subset::Stills)?,
        validation: count(Subset::Validation)?,
    };
    let recipe = dataset::recipe(&args.data)?;
    let resized = Resized::new(args.upscale, config.upscale())?;
    let own = Header::of(&args.vae, config.z_dim())?;
    if let Some(model) = &args.denoised_by {
        setting::positive("--noise", args.noise.start.min(args.noise.end))?;
        let are_same = own.vae_fingerprint == encoder_fingerprint(&model.join("vae"))?;
        let found = format!("another one in {}", model.display());
        setting::require("--denoised-by", "a model of the encoder of --vae", found, are_same)?;
    }
    let renoised = args
        .denoised_by
        .as_ref()
        .map(|model| Renoised::open(model, &vae, (args.noise, args.kept_channels), recipe.as_ref(), &device))
        .transpose()?;
    let denoised = args.denoised_by.as_ref().map(|folder| -> Result<DenoisedBy> {
        let model = fingerprint::of_model("--denoised-by", folder)?;
        Ok(DenoisedBy { model, noise: args.noise, kept_channels: args.kept_channels, seed: args.seed })
    });
    let header = Header {
        world_seed: recipe.as_ref().map(|recipe| recipe.seed),
        world_shapes: recipe.map(|recipe| recipe.shapes).unwrap_or_default(),
        plan: Some(plan),
        upscale: args.upscale,
        denoised: denoised.transpose()?,
        ..own
    };
    let _lock = Lock::hold(&args.output)?;
    begin(&args.output, &header)?;
    for subset in Subset::ALL {
        args.precision
            .scope(|| encode(args, subset, (resized, &vae, renoised.as_ref()), &device, observer))?;
    }
    if !args.measure_scale {
        return Ok(());
    }
    let (mean, std) = statistics(&LatentStore::open(&args.output, Subset::Clips)?)?;
    config
        .with_statistics(mean, std)
        .save(&args.vae)
        .map_err(TrainError::part("recording the latents' statistics"))
}

/// Writes the header of latents into `folder`.
///
/// # Errors
/// Other latents there, or a folder that cannot be written.
pub(crate) fn begin(folder: &Path, header: &Header) -> Result<()> {
    let path = folder.join(HEADER);
    if path.exists() {
        check_header(folder, header)?;
    }
    files::write_json(&path, header)
}

/// Reads the autoencoder in `folder`.
///
/// # Errors
/// Weights that are missing or belong to another configuration.
pub fn read_vae(folder: &Path, config: &AutoencoderConfig, device: &Device) -> Result<Autoencoder> {
    config.load_weights(folder, device).map_err(TrainError::part("reading the autoencoder"))
}

/// Fails if the latents in `folder` come from another autoencoder than the one in `vae`.
///
/// # Errors
/// As said, or files that cannot be read.
pub fn check_source(folder: &Path, vae: &Path, channels: usize) -> Result<()> {
    check_clips(folder)?;
    check_encoder(folder, vae, channels)
}

/// Fails unless latents are those of clips as they are.
fn check_clips(folder: &Path) -> Result<()> {
    let header = read_header(folder)?;
    let found = match (&header.denoised, &header.made) {
        (None, None) => return Ok(()),
        (Some(_), _) => "such as a denoiser made anew, which are for `train vae --denoised`",
        (None, Some(_)) => "samples of a model, which are for --judged",
    };
    Err(TrainError::Setting {
        flag: "--latents",
        expected: "latents of clips, by `kinora train latents`".into(),
        found: format!("{found}, in {}", folder.display()),
    })
}

fn check_encoder(folder: &Path, vae: &Path, channels: usize) -> Result<()> {
    let vae_fingerprint = encoder_fingerprint(vae)?;
    check_header(folder, &Header { vae_fingerprint, channels, ..read_header(folder)? })
}

/// Fails unless a denoiser made the latents in `folder` anew.
///
/// # Errors
/// As said, or files that cannot be read.
pub fn check_denoised(folder: &Path) -> Result<()> {
    let is_denoised = read_header(folder)?.denoised.is_some();
    let found = format!("latents of clips in {}", folder.display());
    setting::require("--denoised", "what `kinora train latents --denoised-by` made", found, is_denoised)
}

/// What made the samples in `folder`.
///
/// # Errors
/// Latents that no model made, or of another autoencoder than the one in `vae`.
pub fn made_by(folder: &Path, vae: &Path, channels: usize) -> Result<MadeBy> {
    let made = read_header(folder)?.made.ok_or_else(|| TrainError::Setting {
        flag: "--judged",
        expected: "a folder that `kinora train samples` made".into(),
        found: format!("latents of clips in {}", folder.display()),
    })?;
    check_encoder(folder, vae, channels)?;
    Ok(made)
}

/// Fails if there is less in `folder` than there was to encode, unless that is allowed.
///
/// # Errors
/// [`TrainError::Partial`], or files that cannot be read.
pub fn check_whole(folder: &Path, allow_partial: bool) -> Result<()> {
    let header = read_header(folder)?;
    match header.plan {
        Some(plan) if !allow_partial => {
            let maker = if header.made.is_some() { "samples" } else { "latents" };
            plan.check(
                folder,
                &format!("run `kinora train {maker}` again for the rest, or take --allow-partial"),
            )
        }
        _ => Ok(()),
    }
}

/// What tells the latents in `folder`, as they are normalised with the autoencoder in `vae`, from others.
///
/// # Errors
/// Files that cannot be read.
pub fn contents(folder: &Path, vae: &AutoencoderConfig) -> Result<String> {
    let latents = dataset::contents(folder, bytes_per_position(vae.z_dim()))?;
    let [mean, std] = vae.statistics();
    let scale = format!("{latents} {mean:?} {std:?}");
    Ok(fingerprint::of(scale.as_bytes()))
}

fn bytes_per_position(channels: usize) -> usize {
    channels.saturating_mul(size_of::<f16>())
}

fn check_header(folder: &Path, header: &Header) -> Result<()> {
    let found = read_header(folder)?;
    if found.goes_with(header) {
        return Ok(());
    }
    Err(TrainError::Mismatch {
        path: folder.join(HEADER),
        what: "autoencoder and data set of these latents".into(),
        expected: format!("{header:?}; remove the folder, or name what made it"),
        found: format!("{found:?}"),
    })
}

/// The file of a [`Header`].
const HEADER: &str = "latents.json";

fn read_header(folder: &Path) -> Result<Header> {
    let path = folder.join(HEADER);
    if path.exists() {
        return files::read_json(&path);
    }
    let advice = "make them with `kinora train latents`".to_owned();
    Err(TrainError::Missing { what: "folder of latents", path: folder.into(), advice })
}

/// FNV-1a of the weights that make latents, each rounded to bf16: an autoencoder is the same in the 32 bits of its training and in
/// the 16 of an exported model. Tells files apart, not adversaries. A decoder that was trained further does not count.
fn encoder_fingerprint(vae: &Path) -> Result<String> {
    let path = vae.join(format!("{}.safetensors", AutoencoderConfig::NAMING.stem));
    let bytes = fs::read(&path).map_err(TrainError::io(&path))?;
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(TrainError::part(format!("reading the autoencoder in {}", path.display())))?;
    let mut names = tensors.names();
    names.retain(|name| ["encoder.", "quant_conv."].iter().any(|part| name.starts_with(part)));
    names.sort_unstable();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for name in names {
        let tensor = tensors.tensor(name).map_err(TrainError::part(format!("tensor {name}")))?;
        for byte in name.bytes().chain(rounded(&tensor)) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    Ok(format!("{hash:016x}"))
}

/// The bytes of a tensor in bf16; those of formats other than f32 as they are.
fn rounded(tensor: &TensorView<'_>) -> Vec<u8> {
    match tensor.dtype() {
        Dtype::F32 => {
            let values = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            values.flat_map(|value| bf16::from_f32(value).to_le_bytes()).collect()
        }
        _ => tensor.data().to_vec(),
    }
}

fn encode(
    args: &LatentsArgs,
    subset: Subset,
    (resized, vae, renoised): (Resized, &Autoencoder, Option<&Renoised<'_>>),
    device: &Device,
    observer: &dyn Observer,
) -> Result<()> {
    let advice = format!("make it with `kinora train data --output {}`", args.data.display());
    let pixels = Store::open(&args.data.join(subset.name()), BYTES_PER_PIXEL, &advice)?;
    let folder = args.output.join(subset.name());
    let mut writer = StoreWriter::open(&folder)?;
    check_sources(&folder, &pixels, writer.len())?;
    let count = pixels.items().len();
    let share = |done: usize| done as f64 / count as f64;
    while writer.len() < count {
        let index = writer.len();
        if observer.stopped() {
            return writer.stopped(count);
        }
        let item = &pixels.items()[index];
        let size = vae.config().latent_size(resized.size(item.size)?);
        let size = size.map_err(TrainError::part("the size of a clip"))?;
        let video = resized.video(to_tensor(&[pixels.read(index)?], item.size, device));
        let mut latents = vae.encode(video);
        if let Some(renoised) = renoised {
            latents = renoised.latents(latents, (subset, index, item), args.seed)?;
        }
        let what = || format!("its latents of item {index} of {}", pixels.folder().display());
        let bytes = to_f16(&to_vec(latents)?, &args.vae, what)?;
        writer.append(size, item.captions.clone(), &bytes, item.hash.clone())?;
        let state = format!("{} of {count}", index + 1);
        observer.progress(Progress { name: subset.name(), done: share(index + 1), state: &state });
    }
    writer.sync()?;
    log::info!("{} {} of {count} in {}", subset.name(), writer.len(), args.output.display());
    Ok(())
}

/// Latents as they are stored; `path` and `what` say whose they are.
///
/// # Errors
/// Numbers that are not finite in 16 bits.
pub(crate) fn to_f16(values: &[f32], path: &Path, what: impl Fn() -> String) -> Result<Vec<u8>> {
    match values.iter().find(|value| !f16::from_f32(**value).is_finite()) {
        Some(value) => Err(TrainError::Mismatch {
            path: path.into(),
            what: what(),
            expected: format!("finite numbers of at most {}", f16::MAX),
            found: value.to_string(),
        }),
        None => Ok(values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect()),
    }
}

/// Fails unless the first `count` items in `folder` were made of those of `pixels`, as far as both tell.
fn check_sources(folder: &Path, pixels: &Store, count: usize) -> Result<()> {
    let mismatch = |what: String, expected: String, found: String| {
        let found = format!("{found}: encode into another folder, or remove this one");
        Err(TrainError::Mismatch { path: folder.into(), what, expected, found })
    };
    if count > pixels.items().len() {
        let expected = format!("at most the {} of {}", pixels.items().len(), pixels.folder().display());
        return mismatch("number of items".into(), expected, count.to_string());
    }
    for (index, (made, item)) in dataset::items(folder)?.iter().zip(pixels.items()).enumerate() {
        let differ = made.source.as_ref().zip(item.hash.as_ref()).is_some_and(|(made, own)| made != own);
        if differ || made.captions != item.captions {
            let expected = format!("latents of that of {}", pixels.folder().display());
            return mismatch(format!("item {index}"), expected, "those of another clip".into());
        }
    }
    Ok(())
}

/// Latents that are read.
#[derive(Debug)]
pub struct LatentStore {
    store: Store,
    channels: usize,
    recipe: Option<Recipe>,
}

impl LatentStore {
    /// Opens a subset of the latents in `folder`.
    ///
    /// # Errors
    /// None there.
    pub fn open(folder: &Path, subset: Subset) -> Result<Self> {
        let header = read_header(folder)?;
        let bytes = bytes_per_position(header.channels);
        let store = Store::open(&folder.join(subset.name()), bytes, "make it with `kinora train latents`")?;
        let recipe = header.world_seed.map(|seed| Recipe { seed, shapes: header.world_shapes });
        Ok(Self { store, channels: header.channels, recipe })
    }

    /// Channels of each latent.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// What the data set was drawn from, if `kinora train data` made it.
    pub fn recipe(&self) -> Option<&Recipe> {
        self.recipe.as_ref()
    }

    /// The store of their bytes.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// An item's values, `[channels, frames, height, width]`, as the encoder gave them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(&self, index: usize) -> Result<Vec<f32>> {
        let bytes = self.store.read(index)?;
        Ok(bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect())
    }

    /// Squares of `side` latents out of stills, each from a `[row, column]` on, as `[batch, channels, 1, side, side]`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn squares(&self, places: &[(usize, [usize; 2])], side: usize, device: &Device) -> Result<Tensor<5>> {
        let mut values = Vec::with_capacity(places.len() * self.channels * side * side);
        for &(index, [row, column]) in places {
            let [_, height, width] = self.store.items()[index].size;
            for channel in self.read(index)?.chunks_exact(height * width) {
                for row in channel.chunks_exact(width).skip(row).take(side) {
                    values.extend_from_slice(&row[column..column + side]);
                }
            }
        }
        let shape = [places.len(), self.channels, 1, side, side];
        Ok(Tensor::from_data(TensorData::new(values, shape), device))
    }

    /// Items of one `[frames, height, width]`, cut to their first `frames` latent frames, as
    /// `[batch, channels, frames, height, width]`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn batch(&self, indices: &[usize], frames: usize, device: &Device) -> Result<Tensor<5>> {
        let [all, height, width] = self.store.items()[indices[0]].size;
        let mut values = Vec::with_capacity(indices.len() * self.channels * frames * height * width);
        for &index in indices {
            for channel in self.read(index)?.chunks_exact(all * height * width) {
                values.extend_from_slice(&channel[..frames * height * width]);
            }
        }
        let shape = [indices.len(), self.channels, frames, height, width];
        Ok(Tensor::from_data(TensorData::new(values, shape), device))
    }
}

/// Mean and standard deviation of each channel, over all positions.
fn statistics(latents: &LatentStore) -> Result<(Vec<f64>, Vec<f64>)> {
    let channels = latents.channels();
    let (mut sums, mut squares, mut count) = (vec![0.0; channels], vec![0.0; channels], 0.0);
    for index in 0..latents.store().items().len() {
        let values = latents.read(index)?;
        let positions = values.len() / channels;
        for ((sum, square), channel) in sums.iter_mut().zip(&mut squares).zip(values.chunks_exact(positions))
        {
            *sum += channel.iter().map(|&value| f64::from(value)).sum::<f64>();
            *square += channel.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
        }
        count += positions as f64;
    }
    let mean: Vec<f64> = sums.into_iter().map(|sum| sum / count).collect();
    // A channel that the autoencoder does not use must not be blown up.
    let std =
        squares.into_iter().zip(&mean).map(|(square, mean)| (square / count - mean * mean).max(1e-6).sqrt());
    let std = std.collect();
    Ok((mean, std))
}

#[cfg(test)]
impl LatentStore {
    /// One still "a red ball" with one channel.
    pub(crate) fn of_values(folder: &Path, size: [usize; 3], value: impl Fn(usize, usize) -> f32) -> Self {
        files::write_json(&folder.join(HEADER), &Header { channels: 1, ..Header::default() })
            .expect("a folder to write to");
        let values = (0..size[1] * size[2]).map(|i| f16::from_f32(value(i / size[2], i % size[2])));
        let bytes: Vec<u8> = values.flat_map(f16::to_le_bytes).collect();
        let mut writer = StoreWriter::open(&folder.join("stills")).expect("a folder to write to");
        writer.append(size, vec!["a red ball".into()], &bytes, None).expect("room for one still");
        Self::open(folder, Subset::Stills).expect("the store just written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &Path, items: &[(usize, f32)]) -> LatentStore {
        let header = Header { channels: 2, ..Header::default() };
        files::write_json(&folder.join(HEADER), &header).unwrap();
        let mut writer = StoreWriter::open(&folder.join("clips")).unwrap();
        for &(frames, value) in items {
            // Channel 0 counts up frame by frame, channel 1 is constant.
            let values = (0..frames * 2).map(|i| i as f32).chain(vec![value; frames * 2]);
            let bytes: Vec<u8> = values.flat_map(|v| f16::from_f32(v).to_le_bytes()).collect();
            writer.append([frames, 1, 2], vec![], &bytes, None).unwrap();
        }
        LatentStore::open(folder, Subset::Clips).unwrap()
    }

    #[test]
    fn batches_are_cut_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let latents = store(folder.path(), &[(3, 7.0), (3, -1.0)]);
        let batch = latents.batch(&[1, 0], 2, &Device::flex()).unwrap();
        assert_eq!(batch.dims(), [2, 2, 2, 1, 2]);
        let expected = [0., 1., 2., 3., -1., -1., -1., -1., 0., 1., 2., 3., 7., 7., 7., 7.];
        assert_eq!(to_vec(batch).unwrap(), expected);
    }

    #[test]
    fn statistics_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        let (mean, std) = statistics(&store(folder.path(), &[(2, 1.0), (2, 3.0)])).unwrap();
        assert_eq!(mean, [1.5, 2.0]);
        assert!((std[0] - 1.25_f64.sqrt()).abs() < 1e-12 && (std[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn latents_of_another_autoencoder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        store(folder.path(), &[(1, 0.0)]);
        let vae = tempfile::tempdir().unwrap();
        let path = vae.path().join("diffusion_pytorch_model.safetensors");
        let save = |encoder: u8, decoder: u8| {
            let [encoder, decoder] = [[encoder; 4], [decoder; 4]];
            let view = |bytes| TensorView::new(Dtype::F32, vec![1], bytes).unwrap();
            let parts = [("encoder.x", view(&encoder)), ("decoder.x", view(&decoder))];
            fs::write(&path, safetensors::serialize(parts, None).unwrap()).unwrap();
        };
        save(1, 1);
        let message = check_source(folder.path(), vae.path(), 2).unwrap_err().to_string();
        assert!(message.contains("autoencoder and data set of these latents"), "{message}");

        let vae_fingerprint = encoder_fingerprint(vae.path()).unwrap();
        let header = Header { vae_fingerprint, channels: 2, world_seed: Some(3), ..Header::default() };
        files::write_json(&folder.path().join(HEADER), &header).unwrap();
        save(1, 2);
        check_source(folder.path(), vae.path(), 2).unwrap();
        save(2, 1);
        check_source(folder.path(), vae.path(), 2).unwrap_err();

        // The same in another format is no other one.
        let of = |dtype, bytes: &[u8]| {
            let view = TensorView::new(dtype, vec![1], bytes).unwrap();
            fs::write(&path, safetensors::serialize([("encoder.x", view)], None).unwrap()).unwrap();
            encoder_fingerprint(vae.path()).unwrap()
        };
        let value = 0.123_456_f32;
        let whole = of(Dtype::F32, &value.to_le_bytes());
        assert_eq!(whole, of(Dtype::BF16, &bf16::from_f32(value).to_le_bytes()));
        assert_ne!(whole, of(Dtype::F32, &0.2_f32.to_le_bytes()));
    }
}
