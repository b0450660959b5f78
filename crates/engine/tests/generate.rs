//! Whole runs of small models: against diffusers, and what happens when something is wrong.

mod common;

use std::{cell::Cell, fs, ops::ControlFlow, path::PathBuf};

use common::Recorded;
use engine::{
    Error, ModelFiles, Output, Pipeline, Plan, Precision, Progress, Session, Size, Stage, VideoRequest,
    Warning, unobserved,
};
use serde_json::{Value, json};

/// A model with all of its parts in memory.
fn load(request: &VideoRequest) -> engine::Result<Pipeline> {
    Session::cpu().open(&ModelFiles::of(request), request.precision)?.keep()
}

fn open(request: &VideoRequest) -> (Pipeline, Plan) {
    let pipeline = load(request).expect("loaded");
    let plan = pipeline.plan(request).expect("a plan");
    (pipeline, plan)
}

/// The largest difference allowed, relative to the largest value, in f32.
const TOLERANCE: f32 = 1e-4;

#[test]
fn frames_agree_with_diffusers() {
    for name in ["pipeline_21", "pipeline_22", "pipeline_22_experts"] {
        let recorded = Recorded::open(name);
        let (pipeline, plan) = open(&recorded.request());
        let video = pipeline.generate(&plan, &mut unobserved).expect("a video");
        let (shape, expected) = recorded.tensor("frames");
        assert_eq!(shape, [video.num_frames, video.size.height, video.size.width, 3]);
        let error = video.frames.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let scale = expected.iter().copied().fold(0.0, f32::max);
        println!("{name} frames {:.1e}", error / scale);
        assert!(error / scale <= TOLERANCE, "{name}: relative error {:e}", error / scale);
    }
}

/// Image to video of Wan 2.2 TI2V: the frames behind the first are those of diffusers' `WanImageToVideoPipeline`, and the first
/// one is the image itself, of which diffusers shows what the autoencoder leaves of it.
#[test]
fn what_follows_an_image_agrees_with_diffusers() {
    let (model, recorded) = (Recorded::open("pipeline_22"), Recorded::golden("pipeline_22_image"));
    let (file, image) = picture(&recorded, "image", &model);
    let request = model.request().animate(&file, None).expect("a request");
    let (pipeline, plan) = open(&request);
    let video = pipeline.generate(&plan, &mut unobserved).expect("a video");
    let (shape, expected) = recorded.tensor("frames");
    assert_eq!(shape, [video.num_frames, video.size.height, video.size.width, 3]);
    let of_frame = image.len();
    let error = |range: std::ops::RangeFrom<usize>, expected: &[f32]| -> f32 {
        let pairs = video.frames[range].iter().zip(expected);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    let behind = error(of_frame.., &expected[of_frame..]);
    println!("pipeline_22_image frames {behind:.1e}");
    assert!(behind <= TOLERANCE, "{behind:e}");
    let first: Vec<f32> = image.iter().map(|value| value / 255.0).collect();
    assert_eq!(error(0.., &first), 0.0);
}

/// A recorded picture as a file in a model's folder, and its values, 0 to 255.
fn picture(recorded: &Recorded, name: &str, model: &Recorded) -> (PathBuf, Vec<f32>) {
    let (shape, image) = recorded.tensor(name);
    let pixels = image.iter().map(|&value| value as u8).collect();
    let still = media::Clip::still(shape[1], shape[0], pixels).expect("a picture");
    let file = model.path(&format!("{name}.png"));
    media::write(&still, &file, None).expect("written");
    (file, image)
}

/// Image to video by channels beside the latents: of Wan 2.2 A14B, of Wan 2.1 with its image encoder, and of the one that is
/// given the first frame and the last. Frames that are given stay, of which diffusers shows what the autoencoder leaves of them.
#[test]
fn what_is_seen_beside_the_latents_agrees_with_diffusers() {
    for name in ["pipeline_i2v_experts", "pipeline_i2v_clip", "pipeline_i2v_ends"] {
        let recorded = Recorded::open(name);
        let (file, image) = picture(&recorded, "image", &recorded);
        let last = name.ends_with("ends").then(|| picture(&recorded, "last_image", &recorded).0);
        let request = recorded.request().animate(&file, last.as_deref()).expect("a request");
        let (pipeline, plan) = open(&request);
        let video = pipeline.generate(&plan, &mut unobserved).expect("a video");
        let (shape, expected) = recorded.tensor("frames");
        assert_eq!(shape, [video.num_frames, video.size.height, video.size.width, 3]);
        let given = |frame: usize| frame == 0 || (last.is_some() && frame + 1 == video.num_frames);
        let frames = video.frames.chunks(image.len()).zip(expected.chunks(image.len())).enumerate();
        let made = frames.filter(|(frame, _)| !given(*frame)).flat_map(|(_, (a, b))| a.iter().zip(b));
        let error = made.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("{name} frames {error:.1e}");
        assert!(error <= TOLERANCE, "{name}: {error:e}");
        // A picture is asked for, and one that stays.
        for (request, says) in [
            (recorded.request(), "kinora animate"),
            (
                recorded.request().remix(&file, 0.5, Vec::new(), pipeline.info()).expect("a request"),
                "stay as they are",
            ),
        ] {
            let message = pipeline.plan(&request).expect_err("refused").to_string();
            assert!(message.contains(says), "{message}");
        }
        if last.is_some() {
            let message = pipeline.plan(&recorded.request().animate(&file, None).expect("a request"));
            let message = message.expect_err("refused").to_string();
            assert!(message.contains("a first and a last frame"), "{message}");
        }
    }
}

/// Each denoiser is asked for its own share of the timesteps, and neither for those of the other.
#[test]
fn both_experts_are_asked() {
    let recorded = Recorded::open("pipeline_22_experts");
    let frames = |recorded: &Recorded| {
        let (pipeline, plan) = open(&recorded.request());
        pipeline.generate(&plan, &mut unobserved).expect("a video").frames
    };
    let both = frames(&recorded);
    let index = json!({ "_class_name": "WanPipeline", "transformer_2": [null, null] });
    recorded.write_json("model_index.json", &index);
    assert_ne!(frames(&recorded), both, "the first one alone");
    for (part, first_step) in [("transformer", 1), ("transformer_2", 3)] {
        let recorded = Recorded::open("pipeline_22_experts");
        recorded.overwrite(part, "proj_out.weight", HUGE);
        let (pipeline, plan) = open(&recorded.request());
        let error = pipeline.generate(&plan, &mut unobserved).expect_err("not finite");
        let at = |error: &Error| matches!(error, Error::NotFinite { stage: Stage::Denoise, step, .. } if *step == first_step);
        assert!(at(&error), "{part}: {error}");
    }
}

/// Which way up a ball rolls is chance: a plan that stands between two is tipped by the least rounding, so that of some seeds the middle one counts.
#[test]
fn packed_weights_make_nearly_the_same_video_and_serve_one_precision() {
    // Peak signal to noise against f32, in dB.
    for (precision, least) in [(Precision::Bf16, 40.0), (Precision::Int8, 35.0)] {
        let [exactly, packed] = [Precision::F32, precision].map(|precision| VideoRequest {
            prompt: "a red ball rolls to the left".into(),
            size: Some(Size { width: 64, height: 64 }),
            num_frames: Some(5),
            num_inference_steps: Some(4),
            precision: Some(precision),
            ..Default::default()
        });
        let (exact, plan) = open(&exactly);
        let (pipeline, _) = open(&packed);
        let refused = pipeline.plan(&exactly).expect_err("packed").to_string();
        assert!(refused.contains("precision") && refused.contains(&precision.to_string()), "{refused}");
        let refused = pipeline.generate(&plan, &mut unobserved).expect_err("of another pipeline").to_string();
        assert!(refused.contains("plan the request"), "{refused}");

        let mut alike: Vec<f64> = (0..3)
            .map(|seed| {
                let frames = |pipeline: &Pipeline, request: &VideoRequest| {
                    let plan = pipeline.plan(&VideoRequest { seed, ..request.clone() }).expect("a plan");
                    pipeline.generate(&plan, &mut unobserved).expect("a video").frames
                };
                let (exact, found) = (frames(&exact, &exactly), frames(&pipeline, &packed));
                let error = exact.iter().zip(&found).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
                assert!(error > 0.0, "{precision}, seed {seed}: packed weights are others");
                10.0 * (found.len() as f64 / error).log10()
            })
            .collect();
        alike.sort_by(f64::total_cmp);
        println!("{precision}: {alike:.1?} dB");
        assert!(alike[1] >= least, "{precision}: {alike:.1?} dB");
    }
}

#[test]
fn a_model_has_a_precision_of_its_own() {
    let recorded = Recorded::open("pipeline_22");
    let files = ModelFiles::of(&recorded.request());
    let request = VideoRequest { precision: None, ..recorded.request() };
    let open = |precision| Session::cpu().open(&files, precision);
    assert_eq!(open(None).expect("a model").precision(), Precision::Bf16);

    let index = recorded.path("model_index.json");
    let written = |precision: &str| {
        let mut json: Value = serde_json::from_slice(&fs::read(&index).expect("an index")).expect("JSON");
        json["_kinora"] =
            json!({ "size": "64x48", "num_frames": 13, "fps": 6.0, "default_precision": precision });
        recorded.write_json("model_index.json", &json);
    };
    written("f32");
    let pipeline = open(None).expect("a model");
    let plan = pipeline.plan(&request).expect("a plan");
    assert_eq!([pipeline.precision(), plan.precision], [Precision::F32; 2]);
    assert_eq!(plan.request.precision, Some(Precision::F32));
    // Who says one gets it, and a request that says none is served as the model was opened.
    let pipeline = open(Some(Precision::Int8)).expect("a model");
    assert_eq!(pipeline.precision(), Precision::Int8);
    assert_eq!(pipeline.plan(&request).expect("a plan").precision, Precision::Int8);

    written("int4");
    let message = open(None).expect_err("no precision").to_string();
    assert!(message.contains("model_index.json") && message.contains("int4"), "{message}");
}

/// With parts that come and go, or all in memory: equal bits, and the second video as the first.
#[test]
fn a_model_whose_parts_come_and_go_makes_the_same_video() {
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let request = VideoRequest {
            prompt: "a red ball".into(),
            size: Some("64x48".parse().expect("a size")),
            num_frames: Some(5),
            num_inference_steps: Some(2),
            precision: Some(precision),
            ..VideoRequest::default()
        };
        let opened = || Session::cpu().open(&ModelFiles::of(&request), Some(precision)).expect("a model");
        let frames = |pipeline: &Pipeline| {
            let plan = pipeline.plan(&request).expect("a plan");
            pipeline.generate(&plan, &mut unobserved).expect("a video").frames
        };
        let (kept, opened) = (opened().keep().expect("loaded"), opened());
        let expected = frames(&kept);
        assert!(frames(&opened) == expected && frames(&opened) == expected, "{precision}");
    }
}

#[test]
fn the_observer_sees_every_step_and_can_stop() {
    let recorded = Recorded::open("pipeline_22");
    let (pipeline, plan) = open(&recorded.request());
    let mut seen = Vec::new();
    let mut observer = |progress: Progress| {
        seen.push((progress.stage, progress.step));
        ControlFlow::Continue(())
    };
    let video = pipeline.generate(&plan, &mut observer).expect("a video");
    assert!(video.timings.denoise > 0.0 && video.timings.total() >= video.timings.denoise);
    let stage = |stage, steps: usize| (0..=steps).map(move |step| (stage, step));
    let expected = stage(Stage::Text, 1).chain(stage(Stage::Denoise, 5)).chain(stage(Stage::Decode, 2));
    assert_eq!(seen, expected.collect::<Vec<_>>());

    let mut stop = |progress: Progress| match progress {
        Progress { stage: Stage::Denoise, step: 2, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let error = pipeline.generate(&plan, &mut stop).expect_err("stopped");
    assert!(matches!(error, Error::Cancelled { stage: Stage::Denoise, step: 2, total: 5 }), "{error}");
}

#[test]
fn frames_are_handed_on_as_they_are_made() {
    let recorded = Recorded::open("pipeline_22");
    let (pipeline, plan) = open(&recorded.request());
    let whole = pipeline.generate(&plan, &mut unobserved).expect("a video");
    let decoded = Cell::new(0);
    let mut observer = |progress: Progress| {
        if progress.stage == Stage::Decode {
            decoded.set(progress.step);
        }
        ControlFlow::Continue(())
    };
    let (mut frames, mut came_after) = (Vec::new(), Vec::new());
    let mut sink = |frame: &[f32]| {
        frames.extend_from_slice(frame);
        came_after.push(decoded.get());
        Ok(())
    };
    pipeline.stream(&plan, &mut sink, &mut observer).expect("a video");
    assert_eq!(frames, whole.frames);
    assert_eq!(came_after, [0, 1, 1, 1, 1], "one frame, then four for each latent frame");
}

#[test]
fn a_run_that_ends_early_leaves_no_file() {
    let recorded = Recorded::open("pipeline_22");
    let (pipeline, plan) = open(&recorded.request());
    let folder = tempfile::tempdir().expect("a folder");
    let nothing = || fs::read_dir(folder.path()).expect("a folder").count() == 0;
    for name in ["a.mp4", "a.gif", "a.png", "a.safetensors"] {
        let output = Output::for_path(&folder.path().join(name)).expect("a known format");
        let begin = || output.begin(plan.shape(), &pipeline.provenance(&plan).expect("read")).expect("begun");

        let mut file = begin();
        let mut stop = |progress: Progress| match progress {
            Progress { stage: Stage::Decode, step: 1, .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let error = pipeline.stream(&plan, &mut |frame| file.push(frame), &mut stop).expect_err("stopped");
        assert!(matches!(error, Error::Cancelled { stage: Stage::Decode, step: 1, total: 2 }), "{error}");
        assert!(nothing(), "{name}: even a program that is killed now leaves nothing");
        let error = file.finish().expect_err("frames are missing").to_string();
        assert!(error.contains("found 1 ") || error.contains("found 1536 values"), "{error}");

        let mut file = begin();
        file.push(&[0.5; 32 * 16 * 3]).expect("a frame");
        drop(file);
        assert!(nothing(), "{name}");
    }
    let full = || Error::Tokenizer("the disk is full".into());
    let error = pipeline.stream(&plan, &mut |_| Err(full()), &mut unobserved).expect_err("the sink fails");
    assert_eq!(error.to_string(), full().to_string());
}

/// The weights are small; what a configuration may claim is not.
#[test]
fn a_configuration_that_asks_for_more_than_its_weights_is_refused_before_memory_is() {
    for (file, field, size) in [
        ("transformer/config.json", "num_layers", 1_000_000),
        ("transformer/config.json", "attention_head_dim", 1_000_000_000),
        ("text_encoder/config.json", "d_ff", 1_000_000),
        ("vae/config.json", "decoder_base_dim", 1_000_000),
    ] {
        let recorded = Recorded::open("pipeline_22");
        let mut config: Value =
            serde_json::from_slice(&fs::read(recorded.path(file)).expect("read")).expect("JSON");
        config[field] = size.into();
        recorded.write_json(file, &config);
        let message = load(&recorded.request()).expect_err(field).to_string();
        assert!(message.contains(file) && message.contains("parameters"), "{message}");
    }
}

#[test]
fn the_seed_chooses_the_video() {
    let recorded = Recorded::open("pipeline_22");
    let request = VideoRequest { noise: None, ..recorded.request() };
    let (pipeline, plan) = open(&request);
    let frames = |seed| {
        let plan = pipeline.plan(&VideoRequest { seed, ..plan.request.clone() }).expect("a plan");
        pipeline.generate(&plan, &mut unobserved).expect("a video").frames
    };
    assert_eq!(frames(1), frames(1));
    assert_ne!(frames(1), frames(2));
}

#[test]
fn every_sampler_of_the_flow_and_no_guidance_run() {
    let recorded = Recorded::open("pipeline_21");
    let (pipeline, plan) = open(&recorded.request());
    let run = |request: VideoRequest| {
        let plan = pipeline.plan(&request).expect("a plan");
        pipeline.generate(&plan, &mut unobserved).expect("a video").frames
    };
    let unipc = run(plan.request.clone());
    assert_ne!(run(VideoRequest { sampler: "euler".parse().ok(), ..plan.request.clone() }), unipc);
    let unguided = VideoRequest { guidance_scale: Some(1.0), ..plan.request };
    let other_negative = VideoRequest { negative_prompt: "3 4".into(), ..unguided.clone() };
    assert_eq!(run(unguided), run(other_negative), "without guidance nothing is avoided");
}

/// Numbers that are finite and whose products are not.
const HUGE: f32 = 3e38;

#[test]
fn results_that_are_not_finite_stop_the_run_at_every_stage() {
    for (part, tensor, stage, step, total) in [
        ("text_encoder", "encoder.final_layer_norm.weight", Stage::Text, 1, 2),
        ("transformer", "proj_out.weight", Stage::Denoise, 1, 5),
        ("vae", "decoder.conv_out.weight", Stage::Decode, 1, 5),
        ("vae", "decoder.conv_in.weight", Stage::Decode, 1, 5),
    ] {
        let recorded = Recorded::open("pipeline_22");
        recorded.overwrite(part, tensor, HUGE);
        let (pipeline, plan) = open(&recorded.request());
        let mut frames = 0;
        let mut count = |_: &[f32]| {
            frames += 1;
            Ok(())
        };
        let error = pipeline.stream(&plan, &mut count, &mut unobserved).expect_err("not finite");
        let is_it = |error: &Error| matches!(error, Error::NotFinite { stage: s, step: n, total: of } if (*s, *n, *of) == (stage, step, total));
        assert!(is_it(&error), "{tensor}: {error}");
        assert!(error.to_string().starts_with(&stage.to_string()), "{error}");
        assert_eq!(frames, 0, "{tensor}");
    }
}

#[test]
fn weights_that_are_not_finite_are_refused_by_name() {
    for (part, tensor) in [
        ("text_encoder", "shared.weight"),
        ("transformer", "blocks.0.attn1.to_q.weight"),
        ("vae", "decoder.mid_block.resnets.0.conv1.weight"),
        ("vae", "encoder.conv_in.bias"), // although nothing is encoded
    ] {
        let recorded = Recorded::open("pipeline_22");
        recorded.overwrite(part, tensor, f32::NAN);
        let message = load(&recorded.request()).expect_err(tensor).to_string();
        assert!(message.contains(part) && message.contains(tensor) && message.contains("NaN"), "{message}");
    }
}

#[test]
fn noise_that_is_not_finite_is_refused_by_name() {
    let recorded = Recorded::open("pipeline_22");
    let request = recorded.request();
    let (pipeline, plan) = open(&request);
    let file = request.noise.expect("a file");
    let mut bytes = fs::read(&file).expect("read");
    let end = bytes.len() - 4;
    bytes[end..].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
    fs::write(&file, bytes).expect("written");
    let message = pipeline.generate(&plan, &mut unobserved).expect_err("not finite").to_string();
    assert!(
        message.contains("noise.safetensors") && message.contains("finite") && message.contains("-inf"),
        "{message}"
    );
}

#[test]
fn a_prompt_that_is_cut_is_shown() {
    let recorded = Recorded::open("pipeline_22");
    let (pipeline, plan) = open(&recorded.request());
    assert_eq!(plan.warnings, []);
    let most = pipeline.info().max_sequence_length;
    let words = |count: usize| (0..count).map(|word| (word % 30).to_string()).collect::<Vec<_>>().join(" ");
    let warnings = |prompt: String, negative_prompt: String, guidance_scale: f64| {
        let guidance_scale = Some(guidance_scale);
        let request = VideoRequest { prompt, negative_prompt, guidance_scale, ..recorded.request() };
        let plan = pipeline.plan(&request).expect("a plan");
        plan.warnings.iter().map(Warning::to_string).collect::<Vec<_>>()
    };
    assert_eq!(warnings(words(most), words(most), 5.0), Vec::<String>::new());
    let [cut] = &warnings(words(most) + " 7 8  9", words(2), 5.0)[..] else { panic!("one warning") };
    assert!(
        cut.starts_with("prompt") && cut.contains("\"7 8 9\"") && cut.contains(&most.to_string()),
        "{cut}"
    );
    let [cut] = &warnings(words(2), words(3 * most) + " 29", 5.0)[..] else { panic!("one warning") };
    assert!(cut.starts_with("negative_prompt") && cut.ends_with(" 29\""), "{cut}");
    let [unread] = &warnings(words(2), words(3 * most), 1.0)[..] else { panic!("one warning") };
    assert!(unread.starts_with("negative_prompt: not looked at"), "{unread}");
}

#[test]
fn at_or_below_a_guidance_of_one_the_prompt_counts() {
    let recorded = Recorded::open("pipeline_21");
    let (pipeline, plan) = open(&recorded.request());
    let run = |guidance_scale: f64, prompt: &str| {
        let request = VideoRequest {
            guidance_scale: Some(guidance_scale),
            prompt: prompt.into(),
            ..plan.request.clone()
        };
        let plan = pipeline.plan(&request).expect("a plan");
        pipeline.generate(&plan, &mut unobserved).expect("a video").frames
    };
    let unguided = run(1.0, "5 9");
    assert_eq!(run(0.0, "5 9"), unguided);
    assert_eq!(run(0.5, "5 9"), unguided);
    assert_ne!(run(0.0, "7 11"), unguided);
    assert_ne!(run(1.5, "5 9"), unguided);
}

#[test]
fn variants_are_loaded_hashed_and_named() {
    let recorded = Recorded::open("pipeline_22");
    let of =
        |variant: Option<&str>| VideoRequest { variant: variant.map(str::to_owned), ..recorded.request() };
    let files = |variant: Option<&str>| ModelFiles::of(&of(variant));
    let plain = files(None).hash().expect("read");
    let rename = |part: &str, stem: &str, variant: &str| {
        let file = |middle: &str| recorded.path(&format!("{part}/{stem}{middle}.safetensors"));
        fs::copy(file(""), file(&format!(".{variant}"))).expect("copied");
        fs::remove_file(file("")).expect("removed");
    };
    rename("text_encoder", "model", "fp16");
    rename("transformer", "diffusion_pytorch_model", "fp16");
    let found = files(None).hash().expect("the only ones");
    assert_ne!(found, plain, "the hash is of what is loaded");
    assert_eq!(files(Some("fp16")).hash().expect("the vae has no variant"), found);
    load(&of(Some("fp16"))).expect("loaded");
    let error = load(&of(Some("bf16"))).expect_err("not there");
    assert!(error.is_usage() && error.to_string().contains("expected fp16"), "{error}");
    // A stale file is no part of the model.
    let stale = recorded.path("text_encoder/model.bf16.safetensors");
    fs::write(&stale, "stale").expect("written");
    assert_eq!(files(Some("fp16")).hash().expect("read"), found);
    let message = load(&of(None)).expect_err("two").to_string();
    assert!(message.contains("bf16, fp16"), "{message}");
}

#[test]
fn eight_bit_weights_are_called_what_they_are() {
    let recorded = Recorded::open("pipeline_22");
    let file = recorded.path("transformer/diffusion_pytorch_model.safetensors");
    let bytes = fs::read(&file).expect("read");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("weights");
    let small = tensors.tensors().into_iter().map(|(name, view)| {
        let bytes = vec![0x38; view.data().len() / 4];
        (name, view.shape().to_vec(), bytes)
    });
    let small = small.collect::<Vec<_>>();
    let views = small.iter().map(|(name, shape, bytes)| {
        let dtype = safetensors::Dtype::F8_E4M3;
        (name, safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes).expect("a view"))
    });
    fs::write(&file, safetensors::serialize(views, None).expect("serialised")).expect("written");
    let message = load(&recorded.request()).expect_err("fp8");
    let message = message.to_string();
    assert!(message.contains("F8_E4M3") && !message.contains("incomplete"), "{message}");
}

#[test]
fn noise_that_does_not_fit_is_refused() {
    let recorded = Recorded::open("pipeline_22");
    let request = VideoRequest { num_frames: Some(9), ..recorded.request() };
    let (pipeline, plan) = open(&request);
    let message = pipeline.generate(&plan, &mut unobserved).expect_err("a shape").to_string();
    assert!(message.contains("[6, 3, 4, 2]") && message.contains("[6, 2, 4, 2]"), "{message}");

    let no_noise = recorded.path("vae/diffusion_pytorch_model.safetensors");
    for (file, named) in [(no_noise, "`noise`"), (recorded.path("model_index.json"), "safetensors file")] {
        let plan = VideoRequest { noise: Some(file.clone()), ..recorded.request() };
        let plan = pipeline.plan(&plan).expect("a plan");
        let message = pipeline.generate(&plan, &mut unobserved).expect_err("no noise").to_string();
        assert!(message.contains(&file.display().to_string()) && message.contains(named), "{message}");
    }
}

#[test]
fn files_hold_the_frames_and_the_whole_request() {
    let recorded = Recorded::open("pipeline_22");
    let (pipeline, plan) = open(&recorded.request());
    let video = pipeline.generate(&plan, &mut unobserved).expect("a video");
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.mp4", "a.gif", "a.png", "a.safetensors"] {
        let path = folder.path().join(name);
        let output = Output::for_path(&path).expect("a known format");
        output.check(&plan).expect("writable");
        output.write(&video).expect("written");
        let summary = engine::summary(&path).expect("readable");
        assert_eq!(summary.provenance, Some(video.provenance.clone()), "{name}");
        if name != "a.png" {
            assert_eq!([summary.num_frames, summary.height, summary.width], [5, 32, 16], "{name}");
            assert!((summary.fps.expect("a rate") - video.fps).abs() < 1.1, "{name}: {:?}", summary.fps);
        }
    }
    let bytes = fs::read(folder.path().join("a.safetensors")).expect("read");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let frames = file.tensor("frames").expect("frames");
    assert_eq!(frames.shape(), [5, 32, 16, 3]);
    let expected = video.frames.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    assert_eq!(frames.data(), expected);

    let request: VideoRequest =
        serde_json::from_value(video.provenance["request"].clone()).expect("the request reads back");
    assert_eq!(request.prompt, plan.request.prompt);
    assert_eq!(request.noise.as_deref(), Some("noise.safetensors".as_ref()), "no folder is given away");
    assert_eq!(video.provenance["model"]["sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn words_without_a_token_are_named_once() {
    let recorded = Recorded::open("pipeline_22");
    let (pipeline, _) = open(&recorded.request());
    assert_eq!(pipeline.unknown_words("5 cat 9 dog 龙 cat 99").expect("read"), ["cat", "dog", "龙"]);
    assert!(pipeline.unknown_words("5 9").expect("read").is_empty());
}
