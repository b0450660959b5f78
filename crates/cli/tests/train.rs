//! The modes of `train`, one after the other: from a world to a model that generates.

mod common;

use std::{fs, path::Path};

use common::{fail, kinora, model_folder, names, succeed};
use serde_json::{Value, json};

/// A denoiser of some thousand parameters.
const SMALL: &str = "--num-layers 2 --num-attention-heads 1 --attention-head-dim 24 --ffn-dim 32 --text-dim 32 \
     --text-layers 1 --batch-clips 2 --batch-stills 2 --batch-close-ups 2 --evaluate-clips 1 --sample-clips 1 \
     --sample-steps 1";

/// The first item of a store of 28 channels, channel by channel.
fn latents(folder: &Path) -> Vec<Vec<f32>> {
    let lines = fs::read_to_string(folder.join("items.jsonl")).expect("items");
    let item: Value = serde_json::from_str(lines.lines().next().expect("an item")).expect("JSON");
    let bytes = item["bytes"].as_u64().expect("a number") as usize;
    let data = fs::read(folder.join("data.bin")).expect("latents");
    let values = data[..bytes].chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32());
    let values: Vec<f32> = values.collect();
    values.chunks_exact(values.len() / 28).map(<[f32]>::to_vec).collect()
}

#[test]
fn a_denoiser_is_trained_from_the_world_to_a_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &str| succeed(kinora(folder.path(), arguments));
    fs::create_dir(folder.path().join("vae")).expect("a folder");
    for name in ["config.json", "diffusion_pytorch_model.safetensors"] {
        let from = model_folder().join("vae").join(name);
        fs::copy(from, folder.path().join("vae").join(name)).expect("a copy");
    }
    run("train data --output data --clips 2 --stills 6 --validation 1 --seed 3");
    // The embedded autoencoder draws what it decodes larger; these clips are as small as its code sees them.
    run("train latents --data data --vae vae --upscale 1 --output latents");
    let train = format!("train denoiser --latents latents --vae vae {SMALL} --naming-weight 0.5..0.1");
    run(&format!("{train} --output run --steps 4 --evaluate-every 4 --sample-every 4"));

    let lines = fs::read_to_string(folder.path().join("run/losses.jsonl")).expect("losses");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 5, "four steps and an evaluation: {lines:?}");
    // At first every one of 14 kinds and every one of 9 colours is as likely as another.
    let naming = lines[0]["naming_loss"].as_f64().expect("a loss");
    assert!((naming - 14_f64.ln() - 9_f64.ln()).abs() < 1e-3, "{naming}");
    let loss = lines[0]["loss"].as_f64().expect("a loss");
    assert!(loss > 0.5 * naming, "{loss} has no part of {naming}");
    assert!(lines[4]["loss_at_0.5"].as_f64().is_some_and(f64::is_finite), "{}", lines[4]);
    assert_eq!(names(&folder.path().join("run/samples")), ["step-00000004.png"]);
    run("generate --model run/model --num-frames 5 --size 32x32 --steps 1 --output a.mp4 ball");

    // Another run of another length begins with its weights; the naming layer is not part of the model.
    run(&format!("{train} --output next --steps 1 --init-from run/model"));

    // So does one of an autoencoder with more channels, the first of which are those of the old one, and with more blocks.
    let sizes = "--z-dim 32 --width 16 --num-res-blocks 1 --pixel-width 8 --crop 64 --batch-pixels 69632 --evaluate-clips 1";
    run(&format!(
        "train vae --data data --output ae --like vae {sizes} --steps 2 --evaluate-every 2 --sample-every 2"
    ));
    assert_eq!(names(&folder.path().join("ae/samples")), ["step-00000002.png"]);
    run("train latents --data data --vae ae/vae --output more");
    let grown = train
        .replace("--latents latents --vae vae", "--latents more --vae ae/vae")
        .replace("layers 2", "layers 3");
    let flags = "--steps 1 --evaluate-every 1 --init-from run/model --preconditioned-after 28";
    run(&format!("{grown} --output grown {flags}"));
    let config =
        fs::read_to_string(folder.path().join("grown/model/transformer/config.json")).expect("a config");
    let config: Value = serde_json::from_str(&config).expect("JSON");
    assert_eq!(config["_class_name"], "KinoraTransformer3DModel");
    let stds: Vec<Option<f64>> =
        serde_json::from_value(config["data_std"].clone()).expect("numbers and nulls");
    assert!(stds.len() == 32 && stds[..28].iter().all(Option::is_none), "{stds:?}");
    assert!(stds[28..].iter().all(|std| std.is_some_and(|std| std > 0.0 && std < 2.0)), "{stds:?}");
    let clip = "--num-frames 5 --size 32x32 --steps 1 ball";
    run(&format!("generate --model grown/model --output grown.mp4 {clip}"));
    // Or of one with other blocks, a few of whose channels tell what some of the old one's tell of stills.
    let few = sizes.replace("--z-dim 32", "--z-dim 8 --block-frames 4");
    run(&format!(
        "train vae --data data --output few --like vae --like-channels 0,2,5 {few} --steps 1 --evaluate-every 1"
    ));
    run("train latents --data data --vae few/vae --output fewer");
    let chosen = train.replace("--latents latents --vae vae", "--latents fewer --vae few/vae");
    run(&format!("{chosen} --output chosen --steps 1 --init-from run/model --init-channels 0,2,5"));
    for (channels, named) in [("0,99", "channels from 0 to 27"), ("0,1,2,3,4,5,6,7,8", "at most 8")] {
        let flags = format!("--output unlike --steps 1 --init-from run/model --init-channels {channels}");
        let message = fail(kinora(folder.path(), &format!("{chosen} {flags}")), 1);
        assert!(message.contains("--init-channels") && message.contains(named), "{message}");
    }
    // What is decoded can be drawn twice as large, by what is learnt of latents that the denoiser made anew in part.
    run("train data --output large --clips 2 --stills 2 --validation 1 --seed 4 --shapes 64x64x5");
    run(
        "train latents --data large --vae vae --upscale 2 --denoised-by run/model --noise 0.5 --output denoised",
    );
    run(
        "train latents --data large --vae vae --upscale 2 --denoised-by run/model --noise 1 --kept-channels 11 --output in-part",
    );
    // What is kept of each is what the encoder gave, to within the steps of the sampler and of 16 bits.
    run("train latents --data large --vae vae --upscale 2 --output given");
    let [given, made] = ["given", "in-part"].map(|name| latents(&folder.path().join(name).join("clips")));
    let differ = |channels: std::ops::Range<usize>| {
        let unlike = |(channel, values): (usize, &Vec<f32>)| {
            let other = &made[channel];
            values.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        given.iter().enumerate().skip(channels.start).take(channels.len()).map(unlike).fold(0.0, f32::max)
    };
    assert!(differ(0..11) < 0.02 && differ(11..28) > 0.1, "{} {}", differ(0..11), differ(11..28));
    let message = fail(
        kinora(
            folder.path(),
            "train latents --data large --vae vae --upscale 2 --denoised-by run/model --kept-channels 28 --output none",
        ),
        1,
    );
    assert!(message.contains("--kept-channels") && message.contains("less than 28"), "{message}");
    let upsampler = "train vae --data large --denoised denoised --denoised-share 0.5 --upscale 2 --upsampler-only --still-share 0 \
         --clip-frames 5 --crop 32 --batch-pixels 10240 --evaluate-clips 1 --steps 3 --evaluate-every 3";
    run(&format!("{upsampler} --init-from run/model --output larger"));
    let lines = fs::read_to_string(folder.path().join("larger/losses.jsonl")).expect("losses");
    let evaluation: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert!(evaluation["psnr_denoised"].as_f64().is_some_and(f64::is_finite), "{evaluation}");
    // Its latents are the same, of small clips too.
    run("train latents --data data --vae larger/vae --upscale 1 --output small");
    let [before, after] = ["latents", "small"].map(|name| folder.path().join(name).join("clips/data.bin"));
    assert!(fs::read(before).expect("latents") == fs::read(after).expect("latents"), "other latents");
    let larger = train.replace("--latents latents --vae vae", "--latents small --vae larger/vae");
    run(&format!("{larger} --output of-larger --steps 1 --init-from run/model"));
    // A model's autoencoder, in 16 bits, is the one in 32 that it was exported from.
    run(
        "train latents --data data --vae larger/vae --upscale 1 --denoised-by of-larger/model --output by-larger",
    );
    for (size, width) in [("", 256), ("--size 64x48", 64)] {
        run(&format!(
            "generate --model of-larger/model --num-frames 5 --steps 1 {size} --output larger.mp4 ball"
        ));
        assert_eq!(media::read(&folder.path().join("larger.mp4")).expect("a clip").width(), width);
    }
    for (flags, named) in [
        (upsampler.replace("--denoised denoised", "--denoised latents"), "latents of clips"),
        (upsampler.replace("--upscale 2", ""), "--upsampler-only"),
        (train.replace("--latents latents", "--latents denoised"), "a denoiser made anew"),
    ] {
        let flags = format!("{flags} --init-from run/model --output refused-too");
        let message = fail(kinora(folder.path(), &flags), 1);
        assert!(message.contains(named), "{message}");
    }
    let message = fail(
        kinora(folder.path(), "train latents --data data --vae ae/vae --denoised-by run/model --output none"),
        1,
    );
    assert!(message.contains("--denoised-by") && message.contains("encoder of --vae"), "{message}");
    // A model that learns to do without guidance says so, and a teacher without guidance is none.
    let taught = "--init-from run/model --teacher run/model --guidance-scale 1 --sample-steps 2";
    run(&format!("{train} --output taught --steps 1 --evaluate-every 1 {taught}")
        .replace("--sample-steps 1 ", ""));
    let index = fs::read_to_string(folder.path().join("taught/model/model_index.json")).expect("an index");
    let index: Value = serde_json::from_str(&index).expect("JSON");
    assert_eq!(
        (&index["_kinora"]["guidance_scale"], &index["_kinora"]["num_inference_steps"]),
        (&json!(1.0), &json!(2))
    );
    let message =
        fail(kinora(folder.path(), &format!("{train} --output refused --steps 1 --teacher taught/model")), 1);
    assert!(message.contains("--teacher") && message.contains("taught"), "{message}");
    // Or it learns from what the judge says of its own clips; those alone that it made itself.
    run("train samples --model taught/model --prompts 2 --each 2 --output own");
    run("train samples --model taught/model --prompts 3 --each 2 --output own");
    let items = fs::read_to_string(folder.path().join("own/clips/items.jsonl")).expect("items");
    let rewards =
        items.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["reward"].as_f64());
    let rewards: Vec<f64> = rewards.map(|reward| reward.expect("a reward")).collect();
    assert!(rewards.len() == 6 && rewards.iter().all(|reward| (0.0..=1.0).contains(reward)), "{rewards:?}");
    let judged = "--init-from taught/model --judged own --reference";
    let unnamed = train.replace("--naming-weight 0.5..0.1", "");
    run(&format!("{unnamed} --output judged --steps 2 {judged} taught/model"));
    for (flags, named) in [
        (format!("{judged} run/model"), "the model that made"),
        (format!("{judged} taught/model").replace("own", "latents"), "kinora train samples"),
        (format!("{judged} taught/model").replace("--init-from taught/model", ""), "--init-from"),
        (format!("{judged} taught/model --naming-weight 0.1"), "--naming-weight"),
    ] {
        let message = fail(kinora(folder.path(), &format!("{unnamed} --output refused {flags}")), 1);
        assert!(message.contains(named), "{message}");
    }
    let message = fail(kinora(folder.path(), "train samples --model run/model --output none"), 1);
    assert!(message.contains("--model") && message.contains("guidance"), "{message}");

    let other = folder.path().join("ae/vae/config.json");
    let text = fs::read_to_string(&other).expect("a configuration");
    fs::write(&other, text.replace("AutoencoderKinora", "AutoencoderOther")).expect("written");
    let message = fail(kinora(folder.path(), "train latents --data data --vae ae/vae --output none"), 1);
    assert!(message.contains("AutoencoderOther"), "{message}");

    // Or with the text encoder of a run of its own.
    let sizes = "--text-dim 32 --text-layers 1";
    run(&format!(
        "train text {sizes} --scenes 8 --batch-captions 4 --evaluate-scenes 2 --steps 2 --output text --evaluate-every 2 --sample-every 2"
    ));
    let lines = fs::read_to_string(folder.path().join("text/losses.jsonl")).expect("losses");
    let evaluation: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert!(evaluation["colour"].as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)), "{evaluation}");
    assert!(folder.path().join("text/text_encoder/config.json").is_file());
    assert_eq!(names(&folder.path().join("text/samples")), ["step-00000002.png"]);
    run(&format!("{train} --output heard --steps 1 --several-share 0.5 --init-from run --init-from text"));
    let message = fail(kinora(folder.path(), "train text --scenes 0 --output nothing"), 1);
    assert!(message.contains("--scenes"), "{message}");

    // Or shown where things are, as a planner draws that for its text encoder. Where nothing is shown it goes on as it was.
    let planner = "--num-attention-heads 1 --attention-head-dim 8 --num-layers 1 --ffn-dim 8 --batch-scenes 4 --evaluate-scenes 2 \
         --steps 2 --evaluate-every 2 --sample-every 2";
    run(&format!("train planner {planner} --text-encoder taught/model/text_encoder --output plans"));
    let lines = fs::read_to_string(folder.path().join("plans/losses.jsonl")).expect("losses");
    let evaluation: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert!(evaluation["loss_at_0.5"].as_f64().is_some_and(f64::is_finite), "{evaluation}");
    assert_eq!(names(&folder.path().join("plans/samples")), ["step-00000002.png"]);
    let shown = "--tracks --tracks-dropout 0.5 --things-weight 4 --own-guidance 0.1..0.5 --teacher taught/model --init-from taught/model --guidance-scale 1";
    let placed =
        format!("{unnamed} --prompt-dropout 0.4 --steps 4 --evaluate-every 4 --sample-every 4 {shown}");
    run(&format!("{placed} --planner plans/planner --output placed"));
    let config =
        fs::read_to_string(folder.path().join("placed/model/transformer/config.json")).expect("a config");
    let config: Value = serde_json::from_str(&config).expect("JSON");
    // Thirteen kinds, eight colours, the two frames of a latent one, where in its box a thing is, and its pose in either frame.
    assert_eq!((&config["shown_channels"], &config["in_channels"]), (&json!(43), &json!(28 + 43)));
    run("generate --model placed/model --num-frames 5 --size 128x128 --steps 1 --output placed.png ball");
    run("generate --model placed/model --num-frames 9 --size 128x128 --steps 1 --output placed.mp4 ball");
    run("extend placed.mp4 ball --model placed/model --steps 1 --seconds 0.5 --output longer.mp4");
    // What it makes of latents anew it makes with things where they are in these.
    let renoised = "train latents --data data --vae placed/model/vae --denoised-by placed/model --noise 1";
    run(&format!("{renoised} --output renoised"));
    let recipe = folder.path().join("data/dataset.json");
    let text = fs::read_to_string(&recipe).expect("a recipe");
    let mut other: Value = serde_json::from_str(&text).expect("JSON");
    other["seed"] = json!(77);
    fs::write(&recipe, other.to_string()).expect("a recipe of other clips");
    let message = fail(kinora(folder.path(), &format!("{renoised} --output others-of-it")), 1);
    assert!(message.contains("--data") && message.contains("item 0 of clips"), "{message}");
    fs::remove_file(&recipe).expect("no recipe");
    let message = fail(kinora(folder.path(), &format!("{renoised} --output unknown")), 1);
    assert!(message.contains("--denoised-by") && message.contains("a model without tracks"), "{message}");
    fs::write(&recipe, text).expect("the recipe again");
    for (command, named) in [
        (format!("train planner {planner} --text-encoder nowhere --output refused"), "nowhere"),
        (
            format!(
                "train planner {planner} --prompt-dropout 0 --text-encoder taught/model/text_encoder --output refused"
            ),
            "--prompt-dropout",
        ),
        (format!("{placed} --pose-dropout -1 --output refused"), "--pose-dropout"),
        (
            "train planner --batch-scenes 0 --text-encoder text/text_encoder --output refused".to_owned(),
            "--batch-scenes",
        ),
        ("train planner --factor 3 --text-encoder text/text_encoder --output refused".to_owned(), "--factor"),
        (format!("{placed} --planner text/text_encoder --output refused"), "text_encoder/config.json"),
        (format!("{unnamed} --own-guidance 1 --output refused"), "--own-guidance"),
        (format!("{unnamed} --own-guidance 0.5 --prompt-dropout 0 --output refused"), "--prompt-dropout"),
        (format!("{unnamed} --steps 1 --planner plans/planner --output refused"), "--tracks"),
    ] {
        let code = if named == "--tracks" { 2 } else { 1 };
        let message = fail(kinora(folder.path(), &command), code);
        assert!(message.contains(named), "{command}: {message}");
    }
    // What is learnt of latents goes on without tracks, and what is shown them plans nothing without a planner.
    run(&format!("{unnamed} --steps 1 --init-from placed/model --output unplaced"));
    run(&format!("{placed} --output unplanned"));
    run("generate --model unplanned/model --num-frames 5 --size 32x32 --steps 1 --output unplanned.mp4 ball");
    // What plans for latent frames of four frames does not plan for those of two.
    run(&format!(
        "train planner {planner} --factor 4 --text-encoder taught/model/text_encoder --output others"
    ));
    let unlike = format!("{placed} --planner others/planner --output unlike-too");
    let message = fail(kinora(folder.path(), &unlike), 1);
    assert!(message.contains("planner/config.json") && message.contains("out_channels"), "{message}");

    // What cannot work is refused before the first step.
    for (flags, named) in [
        ("--batch-clips 1000000000", "--batch-clips"),
        ("--num-layers 1000000", "--num-layers"),
        ("--ffn-dim 1000000 --num-layers 1000", "--ffn-dim"),
        ("--guidance-scale nan", "--guidance-scale"),
        ("--guidance-scale -1", "--guidance-scale"),
        ("--flow-shift 0", "--flow-shift"),
        ("--sample-steps 2000", "--sample-steps"),
        ("--timestep-shift -3", "--timestep-shift"),
        ("--max-sequence-length 513", "--max-sequence-length"),
    ] {
        let flags = format!("train denoiser --latents latents --vae vae --output refused --steps 1 {flags}");
        let message = fail(kinora(folder.path(), &flags), 1);
        assert!(message.contains(named), "{flags}: {message}");
        assert!(!folder.path().join("refused").exists(), "{flags}");
    }

    // Clips of another origin have no truth to name.
    let header = folder.path().join("latents/latents.json");
    let text = fs::read_to_string(&header).expect("a header");
    fs::write(&header, text.replace("\"world_seed\": 3", "\"world_seed\": null")).expect("written");
    let message = fail(kinora(folder.path(), &format!("{train} --output other --steps 1")), 1);
    assert!(message.contains("--naming-weight") && message.contains("kinora train data"), "{message}");
}

#[test]
fn what_the_judge_sees_with_is_trained_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let train =
        "train judge --batch-frames 10 --evaluate-lessons 1 --evaluate-every 2 --sample-every 2 --muon";
    succeed(kinora(folder.path(), &format!("{train} --output run --steps 2")));
    let lines = fs::read_to_string(folder.path().join("run/losses.jsonl")).expect("losses");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 3, "two steps and an evaluation: {lines:?}");
    // At first every colour is as likely as another.
    let colour = lines[0]["thing_colour"].as_f64().expect("a loss");
    assert!(colour < 8_f64.ln() + 1e-3, "{colour}");
    assert!(
        lines[2]["camera_right"].as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)),
        "{}",
        lines[2]
    );
    assert_eq!(names(&folder.path().join("run/samples")), ["step-00000002.png"]);
    assert_eq!(names(&folder.path().join("run/judge")), ["judge.safetensors"]);
    succeed(kinora(folder.path(), &format!("{train} --output next --steps 1 --init-from run")));
    for (flags, named) in
        [("--batch-frames 0", "--batch-frames"), ("--evaluate-lessons 0", "--evaluate-lessons")]
    {
        let message =
            fail(kinora(folder.path(), &format!("train judge --output refused --steps 1 {flags}")), 1);
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn trainings_without_the_memory_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    succeed(kinora(folder.path(), "train data --output data --clips 1 --stills 1 --validation 1"));
    for flags in [
        "vae --data data --batch-pixels 18446744073709551615",
        "vae --data data --width 100000",
        "vae --data data --num-res-blocks 1000000",
        "text --scenes 1000000000000",
        "text --batch-captions 18446744073709551615",
        "text --text-dim 100000 --text-heads 1",
    ] {
        let message = fail(kinora(folder.path(), &format!("train {flags} --output run")), 1);
        assert!(message.contains("GiB") && message.contains("--"), "{flags}: {message}");
        assert_eq!(names(folder.path()), ["data"], "{flags}");
    }
}
