//! The camera that is moved over what a model draws.
//!
//! For a camera that turns on its foot, whatever it looks at, one picture is a map of the plane away from another (a homography:
//! Hartley and Zisserman, *Multiple View Geometry*, 2004, 8.4), and a longer lens only makes it larger. So these two need no
//! model: the model draws what a camera sees that stands still. One that circles around a scene sees other sides of its things,
//! which a model alone can draw, before a ground that turns beneath them, which is a plane, and so a map of the plane again.

use serde::Serialize;
use world::{CameraMove, Claims, ClipSpec};

use super::{Span, camera::with_camera};
use crate::{Size, VideoRequest};

/// How far below its middle the ground of a scene is, in distances of the camera: half of what stands there.
const GROUND: f64 = 0.1;
/// What differs from the middle value of its row by so much, of 1, begins to be a thing, and is one at twice as much.
const STANDS_OUT: f32 = 0.055;

/// A camera's way over a video.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lens {
    turns: Vec<Turn>,
    /// What lies in the middle of the way, from where it is drawn.
    middle: View,
}

/// A stretch of the way, at an even pace.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Turn {
    /// In seconds.
    from: f64,
    to: f64,
    /// How far it turns to the left, in degrees.
    left: f64,
    /// How far it circles to the left, in degrees.
    around: f64,
    /// How many times nearer it comes.
    nearer: f64,
}

/// Where a camera of the world looks from, seen from where a picture was drawn for one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct View {
    /// How far it has turned to the left from where it was drawn, in radians.
    left: f64,
    /// How far it has circled to the left, in radians.
    around: f64,
    /// The logarithm of how many times larger things are.
    nearer: f64,
}

impl Lens {
    /// Of scenes of the world, of whose cameras it is known how they see; none if none of them moves, or if something is known
    /// of the pictures, which is to stay as it is. What a prompt says that is taken word for word is for the model alone.
    pub fn of(request: &VideoRequest, scenes: &[Span], seconds: f64) -> Option<Self> {
        if !request.known.is_empty() || request.is_loop {
            return None;
        }
        let turns: Vec<Turn> = scenes.iter().filter_map(|scene| Turn::of(request, scene, seconds)).collect();
        let lens = Self { turns, middle: View::default() };
        let stops = || lens.turns.iter().map(|turn| lens.view(turn.to)).chain([View::default()]);
        let middle = |of: fn(View) -> f64| {
            let (low, high) = (stops().map(of).fold(0.0, f64::min), stops().map(of).fold(0.0, f64::max));
            (low + high) / 2.0
        };
        let middle = View {
            left: middle(|view| view.left),
            around: middle(|view| view.around),
            nearer: middle(|view| view.nearer),
        };
        (!lens.turns.is_empty()).then_some(Self { middle, ..lens })
    }

    /// What the model is to draw of a scene: where this turns the camera or comes nearer, one that stands still.
    pub fn drawn(&self, scene: &Span) -> Span {
        let stands = self.turns.iter().any(|turn| turn.from == scene.from && turn.around == 0.0);
        let prompt =
            if stands { with_camera(&scene.prompt, CameraMove::Still) } else { scene.prompt.clone() };
        Span { prompt, ..scene.clone() }
    }

    /// The stretches of its way.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// What is seen at a time of a picture that was drawn, both `[height, width, 3]`, 0 to 1. Beyond its edges it goes on as it
    /// ends there.
    pub fn see(&self, time: f64, picture: &[f32], size: Size) -> Vec<f32> {
        self.view(time).see(picture, size)
    }

    fn view(&self, time: f64) -> View {
        let View { left, around, nearer } = self.middle;
        let mut view = View { left: -left, around: -around, nearer: -nearer };
        for turn in &self.turns {
            let share = ((time - turn.from) / (turn.to - turn.from)).clamp(0.0, 1.0);
            view.left += share * turn.left.to_radians();
            view.around += share * turn.around.to_radians();
            view.nearer += share * turn.nearer.ln();
        }
        view
    }
}

impl Turn {
    /// What the camera does in a scene, if it moves there.
    fn of(request: &VideoRequest, scene: &Span, seconds: f64) -> Option<Self> {
        let claims = Claims::of_prompt(&scene.prompt);
        let asked = request.camera.as_ref().and_then(|camera| camera.at(scene.from, seconds));
        let camera = asked.or(claims.camera.filter(|_| !request.as_written))?;
        let share = request.camera.as_ref().and_then(|camera| camera.share(scene.from, seconds));
        let amount = world::camera_amount(camera)?;
        // As the world's do, which have to keep several things in sight.
        let things = if share.is_some() { 1 } else { claims.count().max(1) };
        let share = share.unwrap_or(1.0);
        let [left, around, nearer] = way(camera);
        Some(Self {
            from: scene.from,
            to: scene.to.min(seconds),
            left: left * (amount * share / things as f64),
            around: around * (amount * share),
            nearer: amount.powf(nearer * share),
        })
    }
}

/// Which way a move goes: to the left, around to the left, and nearer, each 1, -1 for the other way, or 0.
fn way(camera: CameraMove) -> [f64; 3] {
    match camera {
        CameraMove::Still => [0.0, 0.0, 0.0],
        CameraMove::PanLeft => [1.0, 0.0, 0.0],
        CameraMove::PanRight => [-1.0, 0.0, 0.0],
        CameraMove::OrbitLeft => [0.0, 1.0, 0.0],
        CameraMove::OrbitRight => [0.0, -1.0, 0.0],
        CameraMove::ZoomIn => [0.0, 0.0, 1.0],
        CameraMove::ZoomOut => [0.0, 0.0, -1.0],
    }
}

/// To the right, up and ahead.
type Direction = [f64; 3];
/// The sine and the cosine of an angle.
type Angle = (f64, f64);

/// Turned about what is to the right, upwards.
fn tilted([right, up, ahead]: Direction, (sin, cos): Angle) -> Direction {
    [right, up * cos + ahead * sin, ahead * cos - up * sin]
}

/// Turned about what is up, to the left.
fn turned([right, up, ahead]: Direction, (sin, cos): Angle) -> Direction {
    [right * cos - ahead * sin, up, ahead * cos + right * sin]
}

/// How the world's cameras see: what is the same for every pixel of a picture.
#[derive(Clone, Copy)]
struct Eye {
    /// The middle of the picture, in pixels.
    middle: [f64; 2],
    /// How far away a picture is as large as it is, in pixels.
    distance: f64,
    /// How far it looks down.
    tilt: Angle,
}

impl Eye {
    fn of(Size { width, height }: Size) -> Self {
        let half = width.min(height) as f64 / 2.0;
        Self {
            middle: [width as f64 / 2.0, height as f64 / 2.0],
            distance: half / (f64::from(world::FIELD_OF_VIEW) / 2.0).tan(),
            tilt: (f64::from(world::ELEVATIONS.start + world::ELEVATIONS.end) / 2.0).sin_cos(),
        }
    }

    /// Where it looks to see a place of its picture, in pixels from the top left corner.
    fn direction(self, [x, y]: [f64; 2]) -> Direction {
        let ([middle_x, middle_y], (sin, cos)) = (self.middle, self.tilt);
        tilted([(x - middle_x) / self.distance, (middle_y - y) / self.distance, 1.0], (-sin, cos))
    }

    /// At which place of its picture it sees what is in a direction. What is behind it is as far away as can be.
    fn place(self, direction: Direction) -> [f64; 2] {
        let [right, up, ahead] = tilted(direction, self.tilt);
        let scale = self.distance / ahead.max(1e-3);
        [self.middle[0] + right * scale, self.middle[1] - up * scale]
    }
}

impl View {
    /// Beyond so much of a turn, and so many times nearer or farther, there is little left of what was drawn.
    const MOST_LEFT: f64 = 0.35;
    const MOST_NEARER: f64 = std::f64::consts::LN_2;

    /// Where it looks from after so many seconds of a move at the pace of the world's cameras, as far as it goes.
    pub fn moved(self, camera: CameraMove, seconds: f64) -> Self {
        let Some(amount) = world::camera_amount(camera) else { return self };
        let clip = f64::from(ClipSpec::default().duration());
        let angle = (amount * seconds / clip).to_radians();
        let closer = amount.ln() * seconds / clip;
        let [left, around, nearer] = way(camera);
        Self {
            left: (self.left + left * angle).clamp(-Self::MOST_LEFT, Self::MOST_LEFT),
            around: self.around + around * angle,
            nearer: (self.nearer + nearer * closer).clamp(-Self::MOST_NEARER, Self::MOST_NEARER),
        }
    }

    /// What is seen of a picture that was drawn, both `[height, width, 3]`, 0 to 1. Beyond its edges it goes on as it ends there.
    pub fn see(self, picture: &[f32], size: Size) -> Vec<f32> {
        let turned = if self.around == 0.0 { picture.to_vec() } else { self.circle(picture, size) };
        match self {
            Self { left: 0.0, nearer: 0.0, .. } => turned,
            _ => resampled(&turned, size, self.before_turn(size)),
        }
    }

    /// Where each place of what is seen was before the camera turned and came nearer.
    fn before_turn(self, size: Size) -> impl Fn([f64; 2]) -> [f64; 2] {
        let eye = Eye::of(size);
        let nearer = Eye { distance: eye.distance * self.nearer.exp(), ..eye };
        let left = self.left.sin_cos();
        move |at| eye.place(turned(nearer.direction(at), left))
    }

    /// Where each place of the ground, or of the sky above it, was before the camera began to circle. In distances of the camera
    /// from what it circles around.
    fn before_circle(self, size: Size) -> impl Fn([f64; 2]) -> [f64; 2] {
        // As good as the horizon, above which there is no ground.
        const FAR: f64 = 200.0;
        let eye = Eye::of(size);
        let (height, back) = eye.tilt;
        // Who circles to the left sees what is beyond the middle move to the left.
        let around = (-self.around).sin_cos();
        move |at| {
            let [right, up, ahead] = eye.direction(at);
            let far = if up < 0.0 { ((GROUND + height) / -up).min(FAR) } else { FAR };
            let [right, up, ahead] = turned([right * far, height + up * far, ahead * far - back], around);
            eye.place([right, up - height, ahead + back])
        }
    }

    /// A picture whose ground turns about its middle, under the things that stand out from it.
    fn circle(self, picture: &[f32], size: Size) -> Vec<f32> {
        let (things, ground) = apart(picture, size.width);
        let mut seen = resampled(&ground, size, self.before_circle(size));
        for ((seen, drawn), thing) in seen.chunks_exact_mut(3).zip(picture.chunks_exact(3)).zip(things) {
            seen.iter_mut().zip(drawn).for_each(|(seen, drawn)| *seen += (drawn - *seen) * thing);
        }
        seen
    }
}

/// How much of each pixel of `[height, width, 3]` is of a thing, and the picture without things. Grounds and skies of the world
/// are of one colour from left to right, or nearly so.
fn apart(picture: &[f32], width: usize) -> (Vec<f32>, Vec<f32>) {
    let rows = || picture.chunks_exact(width * 3);
    let middles: Vec<[f32; 3]> = rows()
        .map(|row| {
            [0, 1, 2].map(|channel| {
                let mut values: Vec<f32> = row.iter().skip(channel).step_by(3).copied().collect();
                values.sort_by(f32::total_cmp);
                values[width / 2]
            })
        })
        .collect();
    let core: Vec<f32> = rows()
        .zip(&middles)
        .flat_map(|(row, middle)| {
            row.chunks_exact(3).map(move |pixel| {
                let most = pixel
                    .iter()
                    .zip(middle)
                    .map(|(value, middle)| (value - middle).abs())
                    .fold(0.0, f32::max);
                (most / STANDS_OUT - 1.0).clamp(0.0, 1.0)
            })
        })
        .collect();
    let things = spread(&core, width);
    let ground = picture.chunks_exact(3).zip(&things).enumerate().flat_map(|(at, (pixel, thing))| {
        let middle = middles[at / width];
        [0, 1, 2].map(|channel| pixel[channel] + (middle[channel] - pixel[channel]) * thing)
    });
    let ground = ground.collect();
    (things, ground)
}

/// What is reached from each place within two places: the edges of things are a part of them.
fn spread(values: &[f32], width: usize) -> Vec<f32> {
    let (height, mut reached) = ((values.len() / width) as isize, values.to_vec());
    for (down, across) in (-2..=2_isize).flat_map(|down| (-2..=2_isize).map(move |across| (down, across))) {
        if down * down + across * across > 5 {
            continue;
        }
        for row in 0.max(-down)..height.min(height - down) {
            for column in 0.max(-across)..(width as isize).min(width as isize - across) {
                let at = |row: isize, column: isize| row as usize * width + column as usize;
                let to = at(row, column);
                reached[to] = reached[to].max(values[at(row + down, column + across)]);
            }
        }
    }
    reached
}

/// A picture whose every place comes from one of `picture`.
fn resampled(picture: &[f32], Size { width, height }: Size, from: impl Fn([f64; 2]) -> [f64; 2]) -> Vec<f32> {
    let centres = (0..height).flat_map(|row| (0..width).map(move |column| [column, row]));
    let of = |at: [usize; 2]| smoothly(picture, [width, height], from(at.map(|at| at as f64 + 0.5)));
    centres.flat_map(of).collect()
}

/// A picture at a place between its pixels, by the cubic of Catmull and Rom (Keys 1981, a = -1/2), which keeps edges sharper than
/// straight lines would.
fn smoothly(picture: &[f32], [width, height]: [usize; 2], at: [f64; 2]) -> [f32; 3] {
    let [x, y] = at.map(|at| at - 0.5);
    let weights = |at: f64| {
        let t = (at - at.floor()) as f32;
        let far = |d: f32| ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0;
        let near = |d: f32| (1.5 * d - 2.5) * d * d + 1.0;
        [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)]
    };
    let within = |at: f64, offset: usize, size: usize| {
        (at.floor() + offset as f64 - 1.0).clamp(0.0, (size - 1) as f64) as usize
    };
    let (across, down) = (weights(x), weights(y));
    let mut sum = [0.0; 3];
    for (row, down) in down.into_iter().enumerate() {
        for (column, across) in across.into_iter().enumerate() {
            let at = (within(y, row, height) * width + within(x, column, width)) * 3;
            let pixel = &picture[at..at + 3];
            sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += across * down * value);
        }
    }
    sum.map(|value| value.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 128, height: 96 };

    fn lens(prompt: &str, camera: Option<&str>, seconds: f64) -> Option<Lens> {
        let camera = camera.map(|camera| camera.parse().unwrap());
        let request = VideoRequest { prompt: prompt.into(), camera, ..VideoRequest::default() };
        Lens::of(&request, &super::super::scenes(&request, seconds), seconds)
    }

    /// A dot on grey, and where it is seen.
    fn seen_at(lens: &Lens, time: f64, [x, y]: [usize; 2]) -> [f64; 2] {
        let mut picture = vec![0.5; SIZE.width * SIZE.height * 3];
        for (row, column) in (0..4).flat_map(|row| (0..4).map(move |column| (row, column))) {
            let at = ((y + row - 2) * SIZE.width + x + column - 2) * 3;
            picture[at..at + 3].fill(1.0);
        }
        let seen = lens.see(time, &picture, SIZE);
        let (mut sum, mut place) = (0.0, [0.0; 2]);
        for (at, pixel) in seen.chunks_exact(3).enumerate() {
            let weight = f64::from((pixel[0] - 0.5).max(0.0));
            sum += weight;
            place[0] += weight * ((at % SIZE.width) as f64 + 0.5);
            place[1] += weight * ((at / SIZE.width) as f64 + 0.5);
        }
        place.map(|place| place / sum)
    }

    /// How far from a place to another, within half a pixel.
    fn is_near(found: [f64; 2], expected: [f64; 2]) -> bool {
        found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 0.5)
    }

    #[test]
    fn a_turn_comes_as_far_as_it_is_asked_to() {
        let lens = lens("a red ball", Some("pan left 20"), 4.0).unwrap();
        let [turn] = lens.turns() else { panic!("{lens:?}") };
        assert!((turn.left - 20.0).abs() < 1e-9 && turn.nearer == 1.0);
        // Half of it before the middle, and half behind it: what was to the left comes into sight.
        let distance = 48.0 / (f64::from(world::FIELD_OF_VIEW) / 2.0).tan();
        // The middle is as far from the axis that it turns about as its tilt leaves.
        let shift = distance * 10.0_f64.to_radians().sin() * Eye::of(SIZE).tilt.1;
        let [x, _] = seen_at(&lens, 0.0, [64, 48]);
        assert!((64.0 - shift - x).abs() < 2.0, "{x} for {}", 64.0 - shift);
        let [x, _] = seen_at(&lens, turn.to, [64, 48]);
        assert!((64.0 + shift - x).abs() < 2.0, "{x}");
        assert!(is_near(seen_at(&lens, turn.to / 2.0, [40, 70]), [40.0, 70.0]));
    }

    #[test]
    fn it_comes_nearer_about_the_middle() {
        let lens = lens("a red ball", Some("zoom in 1.44; zoom out 1.44"), 4.25).unwrap();
        let of = |nearer: f64| [64.0 + 20.0 * nearer, 48.0 - 12.0 * nearer];
        let [near, far] = [0, 1].map(|turn| lens.turns()[turn].to);
        for (time, nearer) in [(0.0, 1.0 / 1.2), (near / 2.0, 1.0), (near, 1.2), (far, 1.0 / 1.2)] {
            let found = seen_at(&lens, time, [84, 36]);
            assert!(is_near(found, of(nearer)), "{time}: {found:?} for {:?}", of(nearer));
        }
    }

    #[test]
    fn the_ground_turns_under_what_stands_on_it() {
        let lens = lens("a red ball", Some("orbit left 20"), 4.0).unwrap();
        assert_eq!(
            lens.drawn(&Span { from: 0.0, to: 4.0, prompt: "a red ball, the camera orbits left".into() })
                .prompt,
            "a red ball, the camera orbits left"
        );
        let [turn] = lens.turns() else { panic!("{lens:?}") };
        assert!((turn.around - 20.0).abs() < 1e-9 && (turn.left, turn.nearer) == (0.0, 1.0));
        let near = |found: [f64; 2], expected: [f64; 2]| {
            found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6)
        };
        // The world's own camera, circling by as much.
        let angle = 0.2_f64;
        let view = View { around: angle, ..View::default() };
        let sees = |around: f64, [right, up, ahead]: Direction| {
            let (height, back) = Eye::of(SIZE).tilt;
            let eye = [-around.sin() * back, height, -around.cos() * back];
            let direction = [right - eye[0], up - eye[1], ahead - eye[2]];
            Eye::of(SIZE).place(turned(direction, around.sin_cos()))
        };
        for ground in [[0.0, -GROUND, 0.0], [0.2, -GROUND, -0.1], [-0.3, -GROUND, 1.5]] {
            let found = view.before_circle(SIZE)(sees(angle, ground));
            assert!(near(found, sees(0.0, ground)), "{ground:?}: {found:?} for {:?}", sees(0.0, ground));
        }
        // A thing stays where it is drawn, and its ground has none of it.
        let mut picture = vec![0.5; SIZE.width * SIZE.height * 3];
        let thing =
            |at: usize| (50..70).contains(&(at % SIZE.width)) && (30..60).contains(&(at / SIZE.width));
        picture
            .chunks_exact_mut(3)
            .enumerate()
            .filter(|(at, _)| thing(*at))
            .for_each(|(_, pixel)| pixel.fill(1.0));
        let seen = lens.see(0.0, &picture, SIZE);
        let unlike = seen.iter().zip(&picture).map(|(seen, drawn)| (seen - drawn).abs()).fold(0.0, f32::max);
        assert!(unlike < 1e-5, "{unlike}");
    }

    #[test]
    fn prompts_move_it_too_and_the_model_draws_what_stands_still() {
        let prompt = "a red ball beside a blue cube, the camera pans to the right";
        let of_prompt = lens(prompt, None, 2.0).unwrap();
        let whole = world::camera_amount(CameraMove::PanRight).unwrap();
        assert_eq!(
            of_prompt.turns(),
            [Turn { from: 0.0, to: 2.0, left: -whole / 2.0, around: 0.0, nearer: 1.0 }]
        );
        let scene = Span { from: 0.0, to: 2.0, prompt: prompt.into() };
        assert_eq!(of_prompt.drawn(&scene).prompt, "a red ball beside a blue cube, the camera is still");
        let none = |prompt: &str| lens(prompt, None, 2.0).is_none();
        assert!(none("a red ball") && none("一个红色的球，镜头不动"));
        assert!(!none("一个红色的球，镜头推近"));
        let request = VideoRequest { prompt: prompt.into(), as_written: true, ..VideoRequest::default() };
        assert_eq!(Lens::of(&request, std::slice::from_ref(&scene), 2.0), None, "word for word");
        let request = VideoRequest { as_written: false, is_loop: true, ..request };
        assert_eq!(Lens::of(&request, &[scene], 2.0), None, "an end that is the beginning");
    }

    #[test]
    fn a_view_moves_at_the_world_s_pace_and_not_beyond_what_was_drawn() {
        let clip = f64::from(ClipSpec::default().duration());
        let pan = world::camera_amount(CameraMove::PanLeft).unwrap().to_radians();
        let view = View::default().moved(CameraMove::PanLeft, clip / 2.0).moved(CameraMove::ZoomIn, clip);
        assert!((view.left - pan / 2.0).abs() < 1e-9);
        assert!((view.nearer.exp() - world::camera_amount(CameraMove::ZoomIn).unwrap()).abs() < 1e-9);
        let back = view.moved(CameraMove::PanRight, clip / 2.0).moved(CameraMove::ZoomOut, clip);
        assert!(back.left.abs() < 1e-9 && back.nearer.abs() < 1e-9 && back.around == 0.0);
        let far = view.moved(CameraMove::PanLeft, 100.0).moved(CameraMove::ZoomIn, 100.0);
        assert_eq!((far.left, far.nearer), (View::MOST_LEFT, View::MOST_NEARER));
        assert_eq!(far.moved(CameraMove::Still, 1.0), far);
    }

    #[test]
    fn the_manual_says_how_far_moves_come() {
        let manual = include_str!("../../../../docs/generate.md").replace('\n', " ");
        let amount = |camera| world::camera_amount(camera).unwrap();
        let [pan, orbit] = [CameraMove::PanLeft, CameraMove::OrbitLeft].map(amount);
        let zoom = amount(CameraMove::ZoomIn);
        for words in [
            format!("{pan:.0}° for a pan"),
            format!("{orbit:.0}° for an orbit"),
            format!("{zoom:.2} times for a zoom"),
        ] {
            assert!(manual.contains(&words), "{words}");
        }
    }
}
