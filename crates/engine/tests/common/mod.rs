//! The recorded runs of diffusers' `WanPipeline` (`crates/models/goldens`) as model folders.

#![allow(dead_code)] // each test file uses its part

use std::{fs, path::Path};

use engine::VideoRequest;
use safetensors::{SafeTensors, tensor::TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A model folder with the weights of a recorded run, and the run's other tensors.
pub struct Recorded {
    pub folder: TempDir,
    metadata: Value,
    bytes: Vec<u8>,
}

impl Recorded {
    /// `pipeline_21` (a timestep for the clip), `pipeline_22` (one for each frame), `pipeline_22_experts` (two denoisers), or one
    /// of `pipeline_i2v_…` (image to video by channels beside the latents).
    pub fn open(name: &str) -> Self {
        let recorded = Self::golden(name);
        recorded.write();
        recorded
    }

    /// Tensors alone, in no model's folder.
    pub fn golden(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../models/goldens/{name}.safetensors"));
        let bytes = fs::read(path).expect("a golden");
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
        let values = header.metadata().clone().expect("metadata");
        let value = |text: &String| serde_json::from_str(text).unwrap_or(Value::Null);
        let metadata = values.iter().map(|(key, text)| (key.clone(), value(text))).collect();
        Self { folder: tempfile::tempdir().expect("a folder"), metadata, bytes }
    }

    fn write(&self) {
        let Self { metadata, .. } = self;
        let class = |part: &str, class: &str| match metadata[part].is_null() {
            true => json!([null, null]),
            false => json!(["a library", class]),
        };
        self.write_json(
            "model_index.json",
            &json!({
                "_class_name": "WanPipeline",
                "expand_timesteps": metadata["expand_timesteps"],
                "boundary_ratio": metadata["boundary_ratio"],
                "transformer_2": class("boundary_ratio", "WanTransformer3DModel"),
                "image_encoder": class("image_encoder", "CLIPVisionModel"),
            }),
        );
        let scheduler = json!({
            "_class_name": "UniPCMultistepScheduler",
            "prediction_type": "flow_prediction",
            "use_flow_sigmas": true,
            "flow_shift": metadata["flow_shift"],
        });
        self.write_json("scheduler/scheduler_config.json", &scheduler);
        for (part, stem) in [
            ("text_encoder", "model"),
            ("image_encoder", "model"),
            ("transformer", "diffusion_pytorch_model"),
            ("transformer_2", "diffusion_pytorch_model"),
            ("vae", "diffusion_pytorch_model"),
        ] {
            let mut config = metadata[if part == "transformer_2" { "transformer" } else { part }].clone();
            if config.is_null() || (part == "transformer_2" && metadata["boundary_ratio"].is_null()) {
                continue;
            }
            match part {
                "text_encoder" => config["architectures"] = json!(["UMT5EncoderModel"]),
                "image_encoder" => config["architectures"] = json!(["CLIPVisionModel"]),
                _ => {}
            }
            self.write_json(&format!("{part}/config.json"), &config);
            let tensors = self.tensors();
            let prefix = format!("{part}.");
            let views = tensors.iter().filter_map(|(name, view)| Some((name.strip_prefix(&prefix)?, view)));
            let weights = safetensors::serialize(views, None).expect("serialised");
            fs::write(self.path(&format!("{part}/{stem}.safetensors")), weights).expect("written");
        }
        // The recorded prompts are ids, so the words of this tokenizer are numbers.
        let mut words = (0..31).map(|id| (id.to_string(), id.into())).collect::<serde_json::Map<_, _>>();
        words.insert("<unk>".into(), 31.into());
        let tokenizer = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
            "pre_tokenizer": { "type": "WhitespaceSplit" }, "post_processor": null, "decoder": null,
            "model": { "type": "WordLevel", "vocab": words, "unk_token": "<unk>" },
        });
        self.write_json("tokenizer/tokenizer.json", &tokenizer);
        let config = json!({ "model_max_length": metadata["text_tokens"], "unk_token": "<unk>" });
        self.write_json("tokenizer/tokenizer_config.json", &config);
    }

    /// A path in the model's folder.
    pub fn path(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join(file)
    }

    /// Writes a JSON file into the model's folder.
    pub fn write_json(&self, file: &str, value: &Value) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, value.to_string()).expect("written");
    }

    /// Fills a tensor of a part's weights with one number.
    pub fn overwrite(&self, part: &str, tensor: &str, value: f32) {
        let stem = if part == "text_encoder" { "model" } else { "diffusion_pytorch_model" };
        let file = self.path(&format!("{part}/{stem}.safetensors"));
        let mut bytes = fs::read(&file).expect("weights");
        let (header, metadata) = SafeTensors::read_metadata(&bytes).expect("a header");
        let info = metadata.info(tensor).unwrap_or_else(|| panic!("{tensor}: {:?}", metadata.offset_keys()));
        let (start, end) = info.data_offsets;
        let values = bytes[8 + header..][start..end].chunks_exact_mut(4);
        values.for_each(|bytes| bytes.copy_from_slice(&value.to_le_bytes()));
        fs::write(&file, bytes).expect("written");
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).expect("a safetensors file")
    }

    /// The shape and the values of a tensor of f32.
    pub fn tensor(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let tensors = self.tensors();
        let view = tensors.tensor(name).expect("a tensor of the golden");
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        (view.shape().to_vec(), values.collect())
    }

    /// The recorded run as a request, with its noise as a file in the model's folder.
    pub fn request(&self) -> VideoRequest {
        let Self { metadata, .. } = self;
        let words = |key: &str| {
            let ids = metadata[key].as_array().expect("ids").iter();
            ids.map(Value::to_string).collect::<Vec<_>>().join(" ")
        };
        let (shape, noise) = self.tensor("noise");
        let bytes = noise.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        let view = TensorView::new(safetensors::Dtype::F32, shape[1..].to_vec(), &bytes).expect("a view");
        let file = self.path("noise.safetensors");
        fs::write(&file, safetensors::serialize([("noise", view)], None).expect("serialised"))
            .expect("written");
        let (frames, _) = self.tensor("frames");
        VideoRequest {
            prompt: words("prompt"),
            negative_prompt: words("negative_prompt"),
            num_inference_steps: metadata["steps"].as_u64().map(|steps| steps as usize),
            guidance_scale: metadata["guidance_scale"].as_f64(),
            size: Some(engine::Size { width: frames[2], height: frames[1] }),
            num_frames: Some(frames[0]),
            model: Some(self.folder.path().to_owned()),
            noise: Some(file),
            precision: Some(engine::Precision::F32),
            ..VideoRequest::default()
        }
    }
}
