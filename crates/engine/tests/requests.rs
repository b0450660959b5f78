//! From flags and JSON to a plan: what is filled in, and what is refused.

mod common;

use std::{fs, path::Path, sync::Arc};

use clap::{Args, FromArgMatches};
use common::Recorded;
use engine::{Error, ModelFiles, ModelInfo, Size, VideoRequest};
use serde_json::{Value, json};

fn info(recorded: &Recorded) -> engine::Result<Arc<ModelInfo>> {
    ModelInfo::read(&ModelFiles::new(Some(recorded.folder.path())))
}

fn from_flags(flags: &[&str]) -> VideoRequest {
    let command = VideoRequest::augment_args(clap::Command::new("generate").no_binary_name(true));
    VideoRequest::from_arg_matches(&command.get_matches_from(flags)).expect("a request")
}

fn from_json(json: Value) -> VideoRequest {
    serde_json::from_value(json).expect("a request")
}

#[test]
fn flags_and_json_are_the_same_request() {
    assert_eq!(from_flags(&["a ball"]), from_json(json!({ "prompt": "a ball" })));
    assert_eq!(from_flags(&[]), VideoRequest::default());
    assert_eq!(from_json(json!({})), VideoRequest::default());
    let flags = [
        "a ball",
        "--as-written",
        "--negative-prompt",
        "blur",
        "--seed",
        "7",
        "--steps",
        "12",
        "--guidance-scale",
        "3.5",
        "--size",
        "64x32",
        "--num-frames",
        "9",
        "--fps",
        "12",
        "--sampler",
        "euler",
        "--model",
        "folder",
        "--variant",
        "fp16",
        "--noise",
        "noise.safetensors",
        "--camera",
        "pan left; zoom in",
        "--loop",
        "--precision",
        "f32",
    ];
    let all = json!({
        "prompt": "a ball", "as_written": true, "negative_prompt": "blur", "seed": 7, "num_inference_steps": 12,
        "sigmas": null, "guidance_scale": 3.5, "size": "64x32", "seconds": null, "num_frames": 9, "fps": 12.0,
        "sampler": "euler", "model": "folder", "variant": "fp16", "noise": "noise.safetensors", "precision": "f32",
        "camera": "pan left; zoom in", "loop": true, "known": [], "spans": [],
    });
    assert_eq!(from_flags(&flags), from_json(all.clone()));
    // Every field takes part, so that a new one is added above.
    assert_eq!(serde_json::to_value(from_flags(&flags)).expect("JSON"), all);
    assert_eq!(from_flags(&["x", "--seconds", "1.5"]), from_json(json!({ "prompt": "x", "seconds": 1.5 })));

    let sigmas = json!({ "prompt": "x", "sigmas": [1.0, 0.75] });
    assert_eq!(from_flags(&["x", "--sigmas", "1,0.75"]), from_json(sigmas));

    let unknown = serde_json::from_value::<VideoRequest>(json!({ "prompt": "x", "stepps": 3 }));
    assert!(unknown.expect_err("an unknown field").to_string().contains("stepps"));
}

#[test]
fn what_a_request_leaves_open_comes_from_the_model() {
    let recorded = Recorded::open("pipeline_22");
    let index = json!({
        "_class_name": "WanPipeline", "expand_timesteps": true,
        "_kinora": { "size": "64x48", "num_frames": 13, "fps": 6.0, "guidance_scale": 2.5, "num_inference_steps": 7 },
    });
    recorded.write_json("model_index.json", &index);
    let info = info(&recorded).expect("read");
    let plan = from_json(json!({ "prompt": "5" })).resolve(&info).expect("a plan");
    assert_eq!((plan.size, plan.num_frames, plan.fps), (Size { width: 64, height: 48 }, 13, 6.0));
    assert_eq!((plan.guidance_scale, plan.request.guidance_scale), (2.5, Some(2.5)));
    assert_eq!((plan.schedule.num_steps(), plan.request.num_inference_steps), (7, Some(7)));
    assert_eq!(plan.latent_shape, [6, 4, 6, 8]);
    assert_eq!(plan.token_grid, [4, 3, 4]);
    assert_eq!(plan.request.sampler.map(|sampler| sampler.name()), Some("unipc"));
    assert_eq!(plan.request.num_frames, Some(13));
    // What was filled in resolves to itself.
    assert_eq!(plan.request.resolve(&info).expect("a plan").request, plan.request);

    let seconds = |seconds: f64, fps: f64| {
        let request = from_json(json!({ "prompt": "5", "seconds": seconds, "fps": fps }));
        request.resolve(&info).expect("a plan").num_frames
    };
    assert_eq!(
        [seconds(2.0, 8.0), seconds(1.0, 8.0), seconds(0.01, 8.0), seconds(5.0, 16.0)],
        [17, 9, 1, 81]
    );
}

#[test]
fn wan_has_its_published_sizes() {
    for (name, size, num_frames) in [("pipeline_21", "832x480", 81), ("pipeline_22", "1280x704", 121)] {
        let native = info(&Recorded::open(name)).expect("read").native;
        assert_eq!((native.size.to_string().as_str(), native.num_frames), (size, num_frames));
        assert_eq!(native.guidance_scale, 5.0);
    }
}

#[test]
fn what_is_made_at_once_is_within_the_positions() {
    // One timestep for the clip: no window can see the end of another one.
    let info = info(&Recorded::open("pipeline_21")).expect("read");
    let request = from_json(json!({ "prompt": "5", "size": "32x32", "num_frames": 100_001 }));
    let message = request.resolve(&info).expect_err("too long").to_string();
    assert!(message.contains("num_frames") && message.contains("253 frames"), "{message}");
}

#[test]
fn impossible_requests_are_refused_with_what_is_possible() {
    let info = info(&Recorded::open("pipeline_22")).expect("read");
    for (field, value, field_named, advice) in [
        ("prompt", json!(" \n"), "prompt", "what the video shows"),
        ("prompt", json!("5 ".repeat(20_000)), "prompt", "32000"),
        ("size", json!("100x90"), "size", "96x96"),
        ("size", json!("0x16"), "size", "16x16"),
        ("size", json!("2048x16"), "size", "1024x1024"),
        ("num_frames", json!(0), "num_frames", "at least 1"),
        ("num_frames", json!(6), "num_frames", "5 and 9"),
        ("num_frames", json!(u64::MAX), "num_frames", "1 more than a multiple"),
        ("num_frames", json!(400_000_001), "num_frames", "pixels"),
        ("seconds", json!(0.0), "seconds", "more than 0"),
        ("seconds", json!(1e300), "num_frames", "pixels"),
        ("fps", json!(0.0), "fps", "0.01"),
        ("fps", json!(1e9), "fps", "1000"),
        ("guidance_scale", json!(-1.0), "guidance_scale", "0 or more"),
        ("guidance_scale", json!(1e39), "guidance_scale", "0 or more"),
        ("prompt", json!("&nbsp;"), "prompt", "what the video shows"),
        ("num_inference_steps", json!(0), "steps", "1 to 1000"),
        ("num_inference_steps", json!(5000), "steps", "1 to 1000"),
        ("sampler", json!("ddpm"), "sampler", "euler or unipc"),
        ("sigmas", json!([]), "sigmas", "one or more"),
        ("sigmas", json!([0.5, 0.9]), "sigmas", "0.9 at place 2"),
        ("sigmas", json!([1.5]), "sigmas", "1.5 at place 1"),
        ("sigmas", json!([0.5, 0.0]), "sigmas", "0 at place 2"),
        ("sigmas", json!([1.0, 0.0]), "sigmas", "at place"),
    ] {
        let mut request = json!({ "prompt": "5", "size": "32x32", field: value });
        if !["num_frames", "seconds"].contains(&field) {
            request["num_frames"] = 5.into();
        }
        let error = from_json(request).resolve(&info).expect_err(field);
        let message = error.to_string();
        assert!(error.is_usage() && message.contains(field_named) && message.contains(advice), "{message}");
    }
    let few = json!({ "prompt": "5", "num_frames": 5, "size": "32x32", "sigmas": [1.0, 0.9, 0.4] });
    let plan = from_json(few).resolve(&info).expect("a plan");
    assert_eq!(
        (plan.request.num_inference_steps, plan.schedule.timesteps()),
        (Some(3), &[1000.0, 900.0, 400.0][..])
    );
    let both = json!({ "prompt": "5", "seconds": 1.0, "num_frames": 5 });
    assert!(from_json(both).resolve(&info).is_err());
    let not_a_number = VideoRequest { guidance_scale: Some(f64::NAN), ..from_json(json!({ "prompt": "5" })) };
    assert!(not_a_number.resolve(&info).is_err());
}

#[test]
fn lengths_are_multiples_of_the_denoisers_patches_in_time() {
    let recorded = Recorded::open("pipeline_22");
    let file = recorded.path("transformer/config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(file).expect("read")).expect("JSON");
    config["patch_size"] = json!([2, 2, 2]);
    recorded.write_json("transformer/config.json", &config);
    let info = info(&recorded).expect("read");
    let resolve = |length: Value| {
        let mut request = json!({ "prompt": "5", "size": "32x32", "fps": 8.0 });
        request.as_object_mut().expect("an object").extend(length.as_object().expect("an object").clone());
        from_json(request).resolve(&info)
    };
    for (length, num_frames, latents) in [
        (json!({ "num_frames": 5 }), 5, 2),
        (json!({ "num_frames": 13 }), 13, 4),
        (json!({ "seconds": 0.1 }), 5, 2),
        (json!({ "seconds": 1.5 }), 13, 4),
    ] {
        let plan = resolve(length).expect("a plan");
        assert_eq!((plan.num_frames, plan.latent_shape[1]), (num_frames, latents));
    }
    for (num_frames, advice) in [(9, "nearest are 5 and 13"), (1, "at least 5"), (0, "at least 5")] {
        let message = resolve(json!({ "num_frames": num_frames })).expect_err("refused").to_string();
        assert!(message.contains("num_frames") && message.contains(advice), "{message}");
    }
}

#[test]
fn memory_depends_on_the_size_and_hardly_on_the_length() {
    let info = ModelInfo::read(&ModelFiles::Embedded).expect("read");
    let memory = |size: &str, num_frames: usize, precision: &str| {
        let request =
            json!({ "prompt": "5", "size": size, "num_frames": num_frames, "precision": precision });
        from_json(request).resolve(&info).expect("a plan").memory.peak()
    };
    let [short, long] = [17, 33].map(|num_frames| memory("128x128", num_frames, "bf16"));
    assert!(long < short + short / 20, "{short}, {long}: tokens alone grow with the length");
    assert!(
        [128, 256, 512].map(|side| memory(&format!("{side}x{side}"), 17, "bf16")).is_sorted_by(|a, b| a < b)
    );
    assert!(memory("256x256", 17, "f32") > memory("256x256", 17, "bf16"));
}

/// Made at once, a clip shows what happens in turn as clips of the world do; a longer one would begin again in each window.
#[test]
fn what_happens_in_turn_is_read_one_after_the_other_in_a_long_video() {
    let info = ModelInfo::read(&ModelFiles::Embedded).expect("read");
    let prompt = "a large red ball rolls to the left, then spins on the grass at noon under a clear sky, the camera is still";
    let read = |request: Value| -> Vec<(f64, String)> {
        let plan = from_json(request).resolve(&info).expect("a plan");
        assert_eq!(plan.prompts.len(), plan.scenes.len());
        plan.readings.into_iter().map(|reading| (reading.from, reading.denoiser)).collect()
    };
    let is = |found: &[(f64, String)], expected: &[(f64, &[&str])]| {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((from, text), (at, events)) in found.iter().zip(expected) {
            assert_eq!(from, at, "{found:?}");
            for event in ["rolls", "spins", "bounces"] {
                assert_eq!(text.contains(event), events.contains(&event), "{found:?}");
            }
        }
    };
    let (first, second): (&[&str], &[&str]) = (&["rolls"], &["spins"]);
    is(&read(json!({ "prompt": prompt, "num_frames": 17 })), &[(0.0, &["rolls", "spins"])]);
    is(&read(json!({ "prompt": prompt, "num_frames": 33 })), &[(0.0, first), (33.0 / 8.0 / 2.0, second)]);
    is(
        &read(json!({ "prompt": prompt, "num_frames": 33, "as_written": true })),
        &[(0.0, &["rolls", "spins"])],
    );
    // And in a span of a story.
    let bounces = json!({ "from": 0, "to": 2, "prompt": "a large red ball bounces on the grass" });
    let both = json!({ "from": 2, "to": 6, "prompt": prompt });
    let story = json!({ "spans": [bounces, both], "seconds": 6 });
    let found = read(story);
    is(&found, &[(0.0, &["bounces"]), (2.0, first), (found[2].0, second)]);
    assert!((3.9..4.2).contains(&found[2].0), "{found:?}");
}

#[test]
fn a_clip_that_cannot_be_made_is_refused_with_the_model_that_asks_for_it() {
    for (field, value) in [
        ("size", json!("100x90")),
        ("size", json!("0x0")),
        ("num_frames", json!(0)),
        ("num_frames", json!(6)),
        ("default_num_frames", json!(0)),
        ("default_num_frames", json!(6)),
        ("fps", json!(0.0)),
        ("fps", json!(-8.0)),
        ("fps", json!(1e39)),
        ("guidance_scale", json!(-1.0)),
        ("guidance_scale", json!(1e39)),
        ("num_inference_steps", json!(0)),
        ("num_inference_steps", json!(1001)),
    ] {
        let recorded = Recorded::open("pipeline_22");
        let mut native = json!({ "size": "64x48", "num_frames": 13, "fps": 6.0, "guidance_scale": 2.5 });
        native[field] = value;
        let index = json!({ "_class_name": "WanPipeline", "expand_timesteps": true, "_kinora": native });
        recorded.write_json("model_index.json", &index);
        let message = info(&recorded).expect_err(field).to_string();
        let names = ["model_index.json", &format!("`_kinora.{field}`")];
        assert!(names.iter().all(|name| message.contains(name)), "{message}");
    }
}

#[test]
fn a_shift_that_cannot_be_computed_with_is_refused_by_name() {
    for shift in ["0", "-3", "1e39", "1e-60", "null", "\"3\"", "1e999"] {
        let recorded = Recorded::open("pipeline_22");
        let text = format!(
            r#"{{"_class_name": "UniPCMultistepScheduler", "prediction_type": "flow_prediction", "use_flow_sigmas": true, "flow_shift": {shift}}}"#
        );
        fs::write(recorded.path("scheduler/scheduler_config.json"), text).expect("written");
        let message = info(&recorded).expect_err(shift).to_string();
        assert!(message.contains("scheduler_config.json"), "{message}");
        assert!(shift == "1e999" || message.contains("flow_shift"), "{message}");
    }
}

#[test]
fn what_cannot_be_read_says_what_the_system_said() {
    let recorded = Recorded::open("pipeline_22");
    let read =
        |folder: &Path| ModelInfo::read(&ModelFiles::new(Some(folder))).expect_err("no model").to_string();
    let long = "x".repeat(300);
    let message = read(&recorded.path("model_index.json/sub"));
    assert!(message.contains("cannot read") && message.contains("irectory"), "{message}");
    assert!(read(&recorded.path(&long)).contains("too long"));
    fs::remove_file(recorded.path("model_index.json")).expect("removed");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("model_index.json", recorded.path("model_index.json")).expect("linked");
        let message = read(recorded.folder.path());
        assert!(message.starts_with("cannot read"), "{message}");
        assert!(message.contains("model_index.json: ") && message.contains("symbolic links"), "{message}");
        fs::remove_file(recorded.path("model_index.json")).expect("removed");
        // A file without an end.
        std::os::unix::fs::symlink("/dev/zero", recorded.path("model_index.json")).expect("linked");
        let message = read(recorded.folder.path());
        assert!(message.contains("model_index.json: larger than"), "{message}");
    }
}

#[test]
fn a_variant_needs_a_folder() {
    let info = ModelInfo::read(&ModelFiles::Embedded).expect("read");
    let error =
        from_json(json!({ "prompt": "a ball", "variant": "fp16" })).resolve(&info).expect_err("embedded");
    assert!(error.is_usage() && error.to_string().contains("--model"), "{error}");
}

#[cfg(unix)]
#[test]
fn paths_that_are_not_utf_8_are_recorded_lossily() {
    use std::os::unix::ffi::OsStrExt;
    let path = Path::new(std::ffi::OsStr::from_bytes(b"dir/m\xffdel")).to_owned();
    let request = VideoRequest { model: Some(path.clone()), noise: Some(path), ..VideoRequest::default() };
    let json = serde_json::to_value(&request).expect("JSON");
    assert_eq!((&json["model"], &json["noise"]), (&"dir/m\u{fffd}del".into(), &"dir/m\u{fffd}del".into()));
}

#[test]
fn models_that_are_not_served_say_why() {
    let cases: [(&str, Value, &str); 6] = [
        ("model_index.json", json!({ "_class_name": "WanPipeline", "transformer_2": 1 }), "transformer_2"),
        ("model_index.json", json!({ "_class_name": "HunyuanVideoPipeline" }), "HunyuanVideoPipeline"),
        (
            "model_index.json",
            json!({ "_class_name": "WanPipeline", "transformer_2": ["diffusers", "WanTransformer3DModel"] }),
            "transformer_2",
        ),
        ("transformer/config.json", json!({ "_class_name": "AutoencoderKLWan" }), "WanTransformer3DModel"),
        ("transformer/config.json", json!({ "in_channels": 5, "rope_max_seq_len": 64 }), "in_channels"),
        ("scheduler/scheduler_config.json", json!([]), "scheduler_config.json"),
    ];
    for (file, content, named) in cases {
        let recorded = Recorded::open("pipeline_22");
        recorded.write_json(file, &content);
        let error = info(&recorded).expect_err(named);
        let message = error.to_string();
        assert!(message.contains(named) && message.contains(file) && !error.is_usage(), "{message}");
    }
    let missing = ModelInfo::read(&ModelFiles::new(Some(Path::new("no/such/folder")))).expect_err("missing");
    assert!(matches!(missing, Error::NotAModel { .. }), "{missing}");
}
