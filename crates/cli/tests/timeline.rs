//! The commands that begin from pictures, as a user runs them: what is known stays to the last bit, and what cannot be is told
//! in one line.

mod common;

use std::{fs, ops::Range, path::Path};

use common::{copy, fail, info, kinora, model_folder, names, set_native, succeed};
use safetensors::SafeTensors;
use serde_json::Value;

/// Small and quick; the noise of two steps does for what is tested here.
const QUICK: &str = "--steps 2 --guidance-scale 1";
const PROMPT: &str = "a red ball rolls to the left on the grass";

struct Frames {
    values: Vec<f32>,
    /// `[frames, height, width]`
    size: [usize; 3],
}

impl Frames {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).expect("frames");
        let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
        let view = tensors.tensor("frames").expect("frames");
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let [frames, height, width, 3] = view.shape()[..] else { panic!("{:?}", view.shape()) };
        Self { values: values.collect(), size: [frames, height, width] }
    }

    fn frame(&self, index: usize) -> &[f32] {
        let size = self.size[1] * self.size[2] * 3;
        &self.values[index * size..][..size]
    }

    /// The largest difference of frames of this video from those of another.
    fn unlike(&self, own: Range<usize>, other: &Self, theirs: Range<usize>) -> f32 {
        assert_eq!(own.len(), theirs.len());
        let pairs = own.zip(theirs).flat_map(|(own, theirs)| self.frame(own).iter().zip(other.frame(theirs)));
        pairs.map(|(own, theirs)| (own - theirs).abs()).fold(0.0, f32::max)
    }
}

/// A folder with a clip, `a.gif`, of 9 frames of 64x48, that says what it was made of.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = format!("--size 64x48 --num-frames 9 {QUICK} -o a.gif");
    succeed(common::generate(folder.path(), PROMPT, &flags));
    folder
}

/// The frames of `a.gif`, as they are read.
fn clip(folder: &Path) -> Frames {
    let clip = media::read(&folder.join("a.gif")).expect("a clip");
    let values = clip.as_bytes().iter().map(|&byte| f32::from(byte) / 255.0).collect();
    Frames { values, size: [clip.num_frames(), clip.height(), clip.width()] }
}

/// What a command makes.
fn made(folder: &Path, command: &str) -> Frames {
    succeed(kinora(folder, &format!("{command} {QUICK} -o made.safetensors")));
    Frames::read(&folder.join("made.safetensors"))
}

#[test]
fn a_clip_goes_on_at_both_ends() {
    let folder = folder();
    let clip = clip(folder.path());
    let forward = made(folder.path(), "extend a.gif --seconds 1");
    assert_eq!((forward.size, forward.unlike(0..9, &clip, 0..9)), ([17, 48, 64], 0.0));
    let backward = made(folder.path(), "extend a.gif --backward --seconds 0.5");
    assert_eq!((backward.size[0], backward.unlike(4..13, &clip, 0..9)), (13, 0.0));
    // Its prompt is known from the file, and the record keeps which file it was.
    let record = &info(folder.path(), "made.safetensors")["provenance"];
    assert_eq!(record["request"]["known"][0]["file"], "a.gif");
    assert!(record["prompt"].as_str().expect("a prompt").contains("red ball"));
    // Over more than one window; and the same again.
    let long = made(folder.path(), "extend a.gif --seconds 3");
    assert_eq!((long.size[0], long.unlike(0..9, &clip, 0..9)), (33, 0.0));
    let again = made(folder.path(), "extend a.gif --seconds 3");
    assert_eq!(long.unlike(0..33, &again, 0..33), 0.0);
}

#[test]
fn pictures_and_clips_are_where_they_are_asked_for() {
    let folder = folder();
    let clip = clip(folder.path());
    succeed(kinora(folder.path(), &format!("image a-blue-cube --size 64x48 {QUICK}")));
    let still = media::read(&folder.path().join("image.png")).expect("an image");
    let still = Frames {
        values: still.as_bytes().iter().map(|&byte| f32::from(byte) / 255.0).collect(),
        size: [1, 48, 64],
    };
    let animated = made(folder.path(), "animate image.png --num-frames 9");
    assert_eq!((animated.size, animated.unlike(0..1, &still, 0..1)), ([9, 48, 64], 0.0));
    let between = made(folder.path(), "animate image.png --last a.gif --num-frames 17");
    assert_eq!(between.unlike(0..1, &still, 0..1), 0.0);
    assert_eq!(between.unlike(8..17, &clip, 0..9), 0.0);
    let connected = made(folder.path(), "connect a.gif a.gif --seconds 1.5");
    assert_eq!((connected.size[0], connected.unlike(0..9, &clip, 0..9)), (30, 0.0));
    assert_eq!(connected.unlike(21..30, &clip, 0..9), 0.0);
    // A clip of another size takes that of the first.
    succeed(kinora(folder.path(), "world --count 1 --size 48x48 --num-frames 5 -o other"));
    let connected = made(folder.path(), "connect a.gif other/0000.mp4 a-ball --seconds 1");
    assert_eq!((connected.size, connected.unlike(0..9, &clip, 0..9)), ([22, 48, 64], 0.0));
    let filled = made(folder.path(), "interpolate a.gif --fps 16");
    assert_eq!(filled.size[0], 17);
    for frame in 0..9 {
        assert_eq!(filled.unlike(2 * frame..2 * frame + 1, &clip, frame..frame + 1), 0.0, "{frame}");
    }
    assert_eq!(info(folder.path(), "made.safetensors")["fps"], 16.0);
}

/// A last picture is led to, and not only laid over the end: also where it shares a latent frame with those that are made.
#[test]
fn a_last_picture_is_led_to() {
    let folder = folder();
    for (name, prompt) in [
        ("first", "a-red-ball-on-the-grass"),
        ("b", "a-blue-cube-on-the-snow"),
        ("c", "a-yellow-tree-on-the-grass-at-night"),
    ] {
        succeed(kinora(folder.path(), &format!("image {prompt} --size 64x48 {QUICK} -o {name}.png")));
    }
    for num_frames in [9, 10] {
        let [b, c] = ["b.png", "c.png"].map(|last| {
            made(folder.path(), &format!("animate first.png --last {last} --num-frames {num_frames}"))
        });
        let middle = num_frames / 2..num_frames / 2 + 1;
        let differs = b.unlike(middle.clone(), &c, middle);
        assert!(differs > 0.02, "{num_frames}: {differs}");
        // One that shares the last picture's latent frame is as that is.
        let shares = num_frames % 2 == 1;
        let like = b.unlike(num_frames - 2..num_frames - 1, &b, num_frames - 1..num_frames);
        assert!(!shares || like < 0.25, "{num_frames}: {like}");
    }
}

#[test]
fn what_is_cut_off_of_pictures_is_told() {
    let folder = folder();
    for (flags, told) in
        [("--size 48x96", true), ("--size 48x96 --fit contain", false), ("--size 80x64", false), ("", false)]
    {
        let output =
            kinora(folder.path(), &format!("animate a.gif {flags} --num-frames 17 {QUICK} -o b.gif"));
        let output = { output }.output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        // Of 64x48 pixels 24 columns are left.
        assert_eq!(
            said.contains("62 % of a.gif, of 64x48, is cut off to fill 48x96"),
            told,
            "{flags}: {said}"
        );
        assert_eq!(said.contains("--fit contain"), told, "{said}");
    }
}

#[test]
fn only_what_is_asked_for_is_made_anew() {
    let folder = folder();
    let clip = clip(folder.path());
    let remixed = made(folder.path(), "remix a.gif a-blue-cube");
    assert_eq!(remixed.size, clip.size);
    assert!((0..9).all(|frame| remixed.unlike(frame..frame + 1, &clip, frame..frame + 1) > 0.05));
    let near = made(folder.path(), "remix a.gif --strength 0.1");
    let mean = |frames: &Frames| {
        let sum: f32 = frames.values.iter().zip(&clip.values).map(|(a, b)| (a - b).abs()).sum();
        sum / clip.values.len() as f32
    };
    assert!(mean(&near) < mean(&remixed), "{} {}", mean(&near), mean(&remixed));

    let edited = made(folder.path(), "edit a.gif a-blue-cube --region 0,0,32,48");
    let inside = |at: usize| at / 3 % 64 < 32;
    let change = |wanted: bool| {
        let pairs = (0..9).flat_map(|frame| edited.frame(frame).iter().zip(clip.frame(frame)).enumerate());
        let those = pairs.filter(|(at, _)| inside(*at) == wanted);
        those.map(|(_, (own, theirs))| (own - theirs).abs()).fold(0.0, f32::max)
    };
    assert_eq!(change(false), 0.0);
    assert!(change(true) > 0.05);
    // For a part of the time.
    let edited = made(folder.path(), "edit a.gif a-blue-cube --region 0,0,32,48>32,0@0.5-1");
    assert_eq!(edited.unlike(0..4, &clip, 0..4), 0.0);
    assert!(edited.unlike(4..9, &clip, 4..9) > 0.05);
}

#[test]
fn something_else_moves_as_a_clip_does() {
    let folder = folder();
    let with =
        |flags: &str| made(folder.path(), &format!("generate a-blue-cube --motion-from a.gif {flags}"));
    let moved = with("");
    assert_eq!(moved.size, [9, 48, 64]);
    let record = &info(folder.path(), "made.safetensors")["provenance"]["request"]["known"][0];
    assert_eq!((&record["motion_only"], &record["file"]), (&true.into(), &"a.gif".into()));
    // The clip counts, and the less of it is made anew the more.
    let clip = clip(folder.path());
    let [little, much] = ["--motion-strength 0.3", "--motion-strength 1"].map(|strength| {
        let made = with(strength);
        let sum: f32 = (0..9)
            .flat_map(|frame| made.frame(frame).iter().zip(clip.frame(frame)))
            .map(|(a, b)| (a - b).abs())
            .sum();
        sum
    });
    assert!(little < much, "{little} {much}");
    // Nobody sees what moves in so small a clip, so that nothing is planned: the prompt alone tells what happens, also to a model that
    // is told by plans.
    let model = folder.path().join("model");
    copy(&model_folder(), &model);
    let rolls = |tracks_tell_events: bool, flags: &str| {
        set_native(&model, "tracks_tell_events", tracks_tell_events.into());
        let flags = format!("--size 64x48 --num-frames 9 --model model {flags}");
        made(folder.path(), &format!("generate a-red-ball-rolls-left {flags}"))
    };
    let [told, untold] = [false, true].map(|tells| rolls(tells, "--motion-from a.gif"));
    assert_eq!(told.unlike(0..9, &untold, 0..9), 0.0);
    let [told, untold] = [false, true].map(|tells| rolls(tells, ""));
    assert!(told.unlike(0..9, &untold, 0..9) > 0.0);
    let refused = |flags: &str| fail(kinora(folder.path(), &format!("generate a-red-ball {flags}")), 2);
    let message = refused("--motion-from a.gif --motion-strength 0");
    assert!(message.contains("strength"), "{message}");
    assert!(refused("--motion-strength 0.5").contains("--motion-from"));
}

#[test]
fn how_far_the_camera_goes_says_how_long_that_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let with = |flags: &str| {
        let mut command = kinora(folder.path(), &format!("generate a-red-ball --size 32x32 {QUICK} {flags}"));
        command.args(["--camera", "zoom in 1.2"]);
        command
    };
    // 1.44 times in two seconds: so much in 0.99, or about 8 frames, of which the model makes 7 or 9.
    succeed(with("-o made.safetensors"));
    assert_eq!(Frames::read(&folder.path().join("made.safetensors")).size[0], 7);
    let message = fail(with("--seconds 0.25 -o short.mp4"), 2);
    assert!(message.contains("--seconds 1.0"), "{message}");
}

#[test]
fn the_camera_is_moved_over_what_stands_still() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |prompt: &str, flags: &str| {
        let flags = format!("--size 64x48 --num-frames 9 {QUICK} {flags} -o made.safetensors");
        succeed(common::generate(folder.path(), prompt, &flags));
        let record = info(folder.path(), "made.safetensors")["provenance"].clone();
        (Frames::read(&folder.path().join("made.safetensors")), record)
    };
    let (still, record) = of("a red ball on the grass, the camera is still", "");
    assert!(record["camera_moved"].is_null());
    let (nearer, of_nearer) = of("a red ball on the grass, the camera zooms in", "");
    assert_eq!(of_nearer["prompt"], record["prompt"], "the model draws the same");
    assert!(of_nearer["camera_moved"][0]["nearer"].as_f64().expect("times") > 1.4);
    // Half of the way it is as it was drawn.
    let unlike = [0, 4, 8].map(|frame| nearer.unlike(frame..frame + 1, &still, frame..frame + 1));
    assert!(unlike[0] > 4.0 * unlike[1] && unlike[2] > 4.0 * unlike[1], "{unlike:?}");
    let (_, of_model) = of("a red ball on the grass, the camera zooms in", "--as-written");
    assert!(of_model["camera_moved"].is_null());
}

/// The most memory that a command has, in KiB.
#[cfg(target_os = "linux")]
fn most_memory(mut command: std::process::Command) -> u64 {
    let mut child = command.spawn().expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    loop {
        let now = fs::read_to_string(&status).unwrap_or_default();
        let line = now.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let found = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(found.unwrap_or(0));
        if let Some(status) = child.try_wait().expect("a status") {
            assert!(status.success(), "{command:?}");
            return most;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_minute_takes_the_memory_of_four_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |seconds: u64| {
        let flags = format!("--seconds {seconds} --steps 1 --guidance-scale 1 -o made.mp4");
        let mut command = common::generate(folder.path(), PROMPT, &flags);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        most_memory(command)
    };
    let (short, long) = (of(4), of(60));
    assert!(short > 10_000 && long as f64 <= 1.2 * short as f64, "{long} KiB, of {short} for four seconds");
}

#[test]
fn loops_lead_back() {
    let folder = folder();
    let clip = clip(folder.path());
    let closed = made(folder.path(), "loop a.gif --seconds 1");
    assert_eq!((closed.size[0], closed.unlike(0..9, &clip, 0..9)), (17, 0.0));
    let of_words = made(folder.path(), "loop a-red-ball --size 64x48 --num-frames 24");
    assert_eq!(of_words.size[0], 24);
}

#[test]
fn a_storyboard_is_told_by_a_file() {
    let folder = folder();
    let clip = clip(folder.path());
    let story = r#"
        size = "64x48"
        seed = 3
        [[spans]]
        from = 0
        to = 1.5
        prompt = "a red ball rolls to the left on the grass"
        [[spans]]
        from = 1.5
        to = 3
        prompt = "a red ball jumps on the grass"
        [[known]]
        file = "a.gif"
        from = 0.5
        to = 1
    "#;
    fs::create_dir(folder.path().join("story")).expect("made");
    fs::copy(folder.path().join("a.gif"), folder.path().join("story/a.gif")).expect("copied");
    fs::write(folder.path().join("story/story.toml"), story).expect("written");
    let told = made(folder.path(), "storyboard story/story.toml");
    assert_eq!((told.size, told.unlike(0..4, &clip, 4..8)), ([24, 48, 64], 0.0));
    for (from, to, named) in [
        ("seed = 3", "sede = 3", "sede"),
        ("from = 1.5", "from = 1.0", "spans"),
        ("to = 3", "to = 0", "spans"),
        ("file = \"a.gif\"", "file = \"b.gif\"", "b.gif"),
        ("to = 1\n", "to = 7\n", "1.125 seconds"),
        ("seed = 3", "seconds = 1.5", "times within the video's"),
        ("from = 0.5", "at = 1e300\n        from = 0.5", "ends with the video"),
    ] {
        fs::write(folder.path().join("wrong.toml"), story.replace(from, to)).expect("written");
        let message = fail_either(folder.path(), "storyboard wrong.toml");
        assert!(message.contains(named), "{message}");
    }
}

/// The one line of a command that fails as its own fault or as that of a file.
fn fail_either(folder: &Path, command: &str) -> String {
    let code = kinora(folder, command).output().expect("the program starts").status.code();
    assert!(matches!(code, Some(1 | 2)), "{command}: {code:?}");
    fail(kinora(folder, command), code.expect("a code"))
}

#[test]
fn a_minute_is_made_in_windows() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = made(folder.path(), "generate a-red-ball --size 32x32 --num-frames 81");
    assert_eq!(long.size, [81, 32, 32]);
    // What a short video shows is how the long one begins.
    let short = made(folder.path(), "generate a-red-ball --size 32x32 --num-frames 17");
    assert_eq!(short.unlike(0..17, &long, 0..17), 0.0);
}

#[test]
fn what_cannot_be_is_told_in_one_line() {
    let folder = folder();
    fs::write(folder.path().join("text.png"), "no picture").expect("written");
    for (command, named) in [
        ("extend a.gif --seconds 0", "seconds: expected more than 0"),
        ("extend a.gif --seconds -1", "seconds: expected more than 0"),
        ("extend none.gif", "none.gif"),
        ("extend text.png", "text.png"),
        ("animate text.png a-ball", "text.png"),
        ("animate a.gif --num-frames 5", "ends with the video"),
        ("remix a.gif --strength 1.5", "strength: expected 0"),
        ("remix a.gif --strength 0", "something left to be made"),
        ("edit a.gif --region 40,0,32,48", "region: expected a rectangle"),
        ("edit a.gif --region 0,0,0,48", "region: expected a rectangle"),
        ("edit a.gif --region 0,0,8", "X,Y,WIDTH,HEIGHT"),
        ("edit a.gif", "--region"),
        ("interpolate a.gif", "--fps"),
        ("interpolate a.gif --fps 8", "fps: expected more than the clip's 8"),
        ("loop a-ball --num-frames 5", "loop: expected"),
        ("loop none.gif a-ball", "none.gif"),
        ("loop none.gif", "cannot read none.gif"),
        ("loop a-clip a-ball", "expected a clip"),
        ("loop a.gif --num-frames 99", "num_frames: expected none"),
        ("extend a.gif --num-frames 50", "num_frames: expected none"),
        ("connect a.gif a.gif --num-frames 50", "num_frames: expected none"),
        ("image a-ball --seconds 4", "an image is one frame"),
        ("image a-ball --num-frames 9", "an image is one frame"),
        ("remix a.gif --seconds 9", "which `extend` makes longer"),
        ("edit a.gif --region 0,0,16,16 --num-frames 40", "which `extend` makes longer"),
        ("edit a.gif --region 0,0,16,16@50-60", "within its 1.125 seconds"),
        ("edit a.gif --region 0,0,0.2,0.2", "region: expected a rectangle"),
        ("generate a-ball --fit contain", "--fit: expected pictures"),
        ("animate a.gif --fit wide", "expected cover, contain or stretch"),
        ("generate --from-latents none", "none/request.json"),
        ("generate a-ball --noise none.safetensors --num-frames 40 --loop", "several windows"),
    ] {
        let message = fail_either(folder.path(), command);
        assert!(message.contains(named), "{command}: {message}");
    }
    // A file that does not say what it was made of.
    succeed(kinora(folder.path(), "world --count 1 --size 64x48 --num-frames 5 -o world"));
    let message = fail_either(folder.path(), "extend world/0000.mp4");
    assert!(message.contains("prompt: expected words") && message.contains("0000.mp4"), "{message}");
    // A model that cannot see some frames clean.
    let model = folder.path().join("model");
    copy(&model_folder(), &model);
    let index = model.join("model_index.json");
    let text = fs::read_to_string(&index).expect("read");
    let text = text.replace("\"expand_timesteps\": true", "\"expand_timesteps\": false");
    fs::write(&index, &text).expect("written");
    let message = fail_either(folder.path(), "generate a-ball --model model -o b.gif");
    assert!(message.contains("`_kinora.default_num_frames`"), "{message}");
    fs::write(&index, text.replace("\"default_num_frames\": 33,", "")).expect("written");
    let message = fail_either(folder.path(), "extend a.gif --model model");
    assert!(message.contains("one noise level for all frames"), "{message}");
    assert_eq!(names(folder.path()), ["a.gif", "model", "text.png", "world"]);
    succeed(kinora(folder.path(), &format!("remix a.gif --model model {QUICK} -o b.gif")));
}

#[test]
fn a_video_is_gone_on_with_after_a_kill() {
    let folder = folder();
    let whole = made(folder.path(), "extend a.gif --seconds 3");
    let command = format!("extend a.gif --seconds 3 {QUICK} --state state -o again.safetensors");
    // Killed as soon as something is kept, again and again; the last time it is let go.
    for answers in [2, 4, 9] {
        let mut child = kinora(folder.path(), &command).spawn().expect("the program starts");
        let kept = || fs::read_dir(folder.path().join("state")).map_or(0, Iterator::count) > answers;
        while !kept() && child.try_wait().expect("a child").is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
    }
    succeed(kinora(folder.path(), &command));
    let again = Frames::read(&folder.path().join("again.safetensors"));
    assert_eq!(again.unlike(0..33, &whole, 0..33), 0.0);
    // All is there now, and written again in another format.
    let text = succeed(kinora(folder.path(), &command.replace("again.safetensors", "again.mp4 --json")));
    let result: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(result["num_frames"], 33);
    // Its request is kept, too.
    fs::create_dir(folder.path().join("elsewhere")).expect("made");
    let elsewhere = folder.path().join("elsewhere");
    succeed(kinora(&elsewhere, "generate --from-latents ../state -o once-more.safetensors"));
    assert_eq!(Frames::read(&elsewhere.join("once-more.safetensors")).unlike(0..33, &whole, 0..33), 0.0);
    let message = fail(kinora(folder.path(), &format!("{command} --seed 5")), 1);
    assert!(message.contains("record: request: seed: 0"), "{message}");
}

#[test]
fn a_video_can_be_watched_while_it_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = format!("generate a-red-ball --size 32x32 --num-frames 41 {QUICK} -o -");
    let output = kinora(folder.path(), &flags).output().expect("the program starts");
    assert!(output.status.success());
    let clip = media::decode(&output.stdout).expect("an MP4");
    assert_eq!((clip.num_frames(), clip.width()), (41, 32));
    // What came first can be shown without the rest.
    let part = media::decode(&output.stdout[..output.stdout.len() / 2]).expect("a part of it");
    assert!((8..41).contains(&part.num_frames()), "{}", part.num_frames());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_video_can_be_watched_at_its_name_while_it_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = format!("generate a-red-ball --size 32x32 --num-frames 41 {QUICK} --growing -o a.mp4");
    succeed(kinora(folder.path(), &flags));
    let whole = fs::read(folder.path().join("a.mp4")).expect("a file");
    assert_eq!(media::decode(&whole).expect("an MP4").num_frames(), 41);
    let part = media::decode(&whole[..whole.len() / 2]).expect("a part of it");
    assert!((8..41).contains(&part.num_frames()), "{}", part.num_frames());
    assert!(info(folder.path(), "a.mp4")["provenance"]["request"]["seed"].is_number());
    let message = fail(kinora(folder.path(), "generate a-red-ball --growing -o a.gif"), 2);
    assert!(message.contains(".mp4"), "{message}");
    // A run that fails leaves nothing.
    fs::remove_file(folder.path().join("a.mp4")).expect("removed");
    made(folder.path(), "generate a-red-ball --size 32x32 --num-frames 1");
    let flags = format!("generate a-red-ball {QUICK} --noise made.safetensors --growing -o a.mp4");
    fail(kinora(folder.path(), &flags), 1);
    assert!(!folder.path().join("a.mp4").exists());
}
