//! The embedded model: the diffusers folder `weights/kinora-tiny`, inside the program.

macro_rules! embed {
    ($path:literal) => {
        ($path, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/kinora-tiny/", $path)))
    };
}

/// Its name.
pub(super) const NAME: &str = "kinora-tiny";

/// Its files by their paths in the folder, in the order of the paths.
pub(super) const FILES: [(&str, &[u8]); 12] = [
    embed!("model_index.json"),
    embed!("planner/config.json"),
    embed!("planner/diffusion_pytorch_model.safetensors"),
    embed!("scheduler/scheduler_config.json"),
    embed!("text_encoder/config.json"),
    embed!("text_encoder/model.safetensors"),
    embed!("tokenizer/tokenizer.json"),
    embed!("tokenizer/tokenizer_config.json"),
    embed!("transformer/config.json"),
    embed!("transformer/diffusion_pytorch_model.safetensors"),
    embed!("vae/config.json"),
    embed!("vae/diffusion_pytorch_model.safetensors"),
];
