//! The same seed gives the same bytes, on any number of threads.

use world::{ClipSpec, GroundTruth, Scene, Split, render, render_frame, simulate};

fn clip(seed: u64, spec: &ClipSpec) -> (GroundTruth, Vec<u8>) {
    let scene = Scene::sample(seed, Split::Train);
    let truth = simulate(&scene, spec);
    let pixels = render(&scene, &truth, spec);
    (truth, pixels)
}

#[test]
fn bytes_do_not_depend_on_threads_or_on_the_run() {
    let spec = ClipSpec { width: 80, height: 48, num_frames: 5, fps: 8 };
    for seed in 0..12 {
        let first = clip(seed, &spec);
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(|| clip(seed, &spec)) == first, "scene {seed} with {threads} threads");
        }
    }
}

#[test]
fn a_frame_on_its_own_is_the_frame_of_the_clip() {
    let spec = ClipSpec { width: 48, height: 64, ..ClipSpec::default() };
    let scene = Scene::sample(7, Split::Train);
    let truth = simulate(&scene, &spec);
    let pixels = render(&scene, &truth, &spec);
    let length = spec.width * spec.height * 3;
    assert_eq!(pixels.len(), spec.num_frames * length);
    for (index, frame) in pixels.chunks(length).enumerate() {
        assert!(render_frame(&scene, &truth, &spec, index) == frame, "frame {index}");
    }
}

#[test]
fn scene_and_truth_survive_json() {
    let spec = ClipSpec::default();
    for seed in 0..20 {
        let scene = Scene::sample(seed, Split::HeldOut);
        let truth = simulate(&scene, &spec);
        let read: Scene = serde_json::from_str(&serde_json::to_string(&scene).unwrap()).unwrap();
        assert_eq!(read, scene);
        let read: GroundTruth = serde_json::from_str(&serde_json::to_string(&truth).unwrap()).unwrap();
        assert_eq!(read, truth);
    }
}

#[test]
fn a_clip_of_one_frame_or_of_none_is_no_error() {
    for num_frames in [0, 1] {
        let spec = ClipSpec { num_frames, width: 16, height: 16, fps: 8 };
        let (truth, pixels) = clip(3, &spec);
        assert_eq!((truth.frames.len(), pixels.len()), (num_frames, num_frames * 16 * 16 * 3));
    }
}
