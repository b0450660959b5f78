//! What is played, as far as it is there, and what is to be made next.

use std::time::Instant;

use anyhow::Result;
use engine::View;
use terminal::Key;
use world::{CameraMove, Kind};

use super::{
    film::{Frame, MADE, SEEN, seen_from},
    presses::Presses,
    steering::{self, Steering},
};

/// Seconds of frames that are shown before what a key asks for, until it is known how long that takes to make.
const FIRST_WAIT: f64 = 0.6;
/// What is remembered of a film, in frames.
const REMEMBERED: usize = 256;

/// Frames to be made.
pub struct Job {
    pub number: u64,
    /// Those that they follow.
    pub last: Vec<Frame>,
    pub steering: Steering,
}

/// The job in hand.
struct Working {
    number: u64,
    /// Whether it was asked for by a key.
    answers: bool,
}

/// A film in the making.
pub struct Course {
    kind: Kind,
    fps: f64,
    size: [usize; 2],
    /// What was seen, if it will be written.
    written: Option<Vec<Frame>>,
    /// What the camera does, and where it looks from.
    camera: CameraMove,
    view: View,
    /// What is seen from there of the next frame to show.
    next: Option<Frame>,
    /// Those that are remembered, as they were drawn, and how many are not any more.
    frames: Vec<Frame>,
    forgotten: usize,
    /// How many of all were shown.
    shown: usize,
    /// What is asked for next.
    steering: Steering,
    working: Option<Working>,
    /// How many jobs there were.
    jobs: u64,
    /// Seconds that a job takes.
    wait: f64,
    presses: Presses,
    /// The keys that asked for something, and how far the film was then, in seconds.
    pub keys: Vec<(f64, Key)>,
    /// Frames that were not there in time.
    stalled: usize,
}

impl Course {
    pub fn new(kind: Kind, fps: f64, size: [usize; 2], is_written: bool) -> Self {
        Self {
            kind,
            fps,
            size,
            written: is_written.then(Vec::new),
            camera: CameraMove::Still,
            view: View::default(),
            next: None,
            frames: Vec::new(),
            forgotten: 0,
            shown: 0,
            steering: Steering::rest(),
            working: None,
            jobs: 0,
            wait: FIRST_WAIT,
            presses: Presses::default(),
            keys: Vec::new(),
            stalled: 0,
        }
    }

    fn all(&self) -> usize {
        self.forgotten + self.frames.len()
    }

    /// What is to be made now, if anything is: what a key asks for, or what comes behind the last frame.
    pub fn next_job(&mut self) -> Option<Job> {
        if self.working.is_some() {
            return None;
        }
        let answers = self.presses.is_one_open();
        if answers {
            self.cut();
            self.presses.answer_from(self.all());
        } else if self.all() - self.shown >= MADE {
            return None;
        }
        self.jobs += 1;
        self.working = Some(Working { number: self.jobs, answers });
        let last = self.frames[self.frames.len().saturating_sub(SEEN)..].to_vec();
        Some(Job { number: self.jobs, last, steering: self.steering })
    }

    /// What a key asks for comes as soon as it can be made: what was made beyond that is given up.
    fn cut(&mut self) {
        let meanwhile = (self.wait * self.fps).ceil() as usize + 1;
        let keep = (self.shown + meanwhile).min(self.all());
        self.frames.truncate(keep - self.forgotten);
    }

    pub fn press(&mut self, key: Key, now: Instant) {
        if let Some(camera) = steering::camera(key) {
            if camera != self.camera {
                self.camera = camera;
                self.presses.press_for(self.shown, now);
                self.keys.push((self.shown as f64 / self.fps, key));
            }
            return;
        }
        let Some(steering) = self.steering.press(key, self.kind).filter(|new| *new != self.steering) else {
            return;
        };
        self.steering = steering;
        self.presses.press(now);
        self.keys.push((self.shown as f64 / self.fps, key));
        // A job that answers a key goes on to its end, or keys that are faster than jobs would leave no frames. So does the
        // first of all, so that there is something to see.
        let can_wait = self.working.as_ref().is_some_and(|working| !working.answers);
        if can_wait && !self.frames.is_empty() {
            self.working = None;
        }
    }

    /// Takes what a job made, and the seconds that it took; nothing of one that was given up.
    pub fn take(&mut self, number: u64, frames: Result<Vec<Frame>>, seconds: f64) -> Result<()> {
        if self.working.as_ref().is_none_or(|working| working.number != number) {
            return Ok(());
        }
        self.working = None;
        self.frames.extend(frames?);
        self.wait = seconds;
        if !self.presses.is_one_open() {
            self.steering = self.steering.after();
        }
        Ok(())
    }

    /// The next frame to show, if it is there.
    pub fn frame(&mut self) -> Option<Frame> {
        let Some(drawn) = self.frames.get(self.shown - self.forgotten) else {
            // Before the first there is nothing to wait for.
            self.stalled += usize::from(self.shown > 0);
            return None;
        };
        self.view = self.view.moved(self.camera, 1.0 / self.fps);
        self.next = Some(seen_from(self.view, drawn, self.size));
        self.next.clone()
    }

    /// It is seen.
    pub fn see(&mut self, now: Instant) {
        self.presses.see(self.shown, now);
        self.shown += 1;
        if let Some(written) = &mut self.written {
            written.extend(self.next.take());
        }
        if self.frames.len() > REMEMBERED {
            let old = (self.shown - self.forgotten).saturating_sub(SEEN);
            self.frames.drain(..old);
            self.forgotten += old;
        }
    }

    /// What was seen, if it will be written.
    pub fn seen(&self) -> &[Frame] {
        self.written.as_deref().unwrap_or_default()
    }

    pub fn report(&self) -> String {
        format!("{}; {} frames came late", self.presses.report(), self.stalled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slower than it is played.
    const SECONDS: f64 = 2.0;

    fn frames(count: usize) -> Result<Vec<Frame>> {
        Ok(vec![Frame::from([0_u8; 3]); count])
    }

    /// A dog that rests, with its first frames there, and another job in hand that no key has asked for.
    fn begun() -> (Course, Job) {
        let mut course = Course::new(Kind::Dog, 8.0, [1, 1], true);
        let job = course.next_job().unwrap();
        course.take(job.number, frames(MADE + 1), SECONDS).unwrap();
        assert!(course.next_job().is_none(), "a second is there");
        for _ in 0..2 {
            course.frame().unwrap();
            course.see(Instant::now());
        }
        let job = course.next_job().unwrap();
        (course, job)
    }

    fn pressed(keys: &[Key]) -> Steering {
        keys.iter().fold(Steering::rest(), |steering, &key| steering.press(key, Kind::Dog).unwrap())
    }

    #[test]
    fn keys_that_are_faster_than_jobs_leave_frames() {
        let (mut course, resting) = begun();
        course.press(Key::Left, Instant::now());
        let left = course.next_job().unwrap();
        assert_eq!((left.steering, left.last.len()), (pressed(&[Key::Left]), SEEN));
        // What nobody wants any more.
        course.take(resting.number, frames(MADE), SECONDS).unwrap();
        assert_eq!(course.all(), MADE + 1);

        for key in [Key::Right, Key::Up] {
            course.press(key, Instant::now());
            assert!(course.next_job().is_none(), "one that answers a key is not given up");
        }
        course.take(left.number, frames(MADE), SECONDS).unwrap();
        assert_eq!(course.all(), 2 * MADE + 1);
        let newest = course.next_job().unwrap();
        assert_eq!(newest.steering, pressed(&[Key::Up]));
        assert_eq!(course.all(), 2 * MADE + 1, "as long as a job takes, frames are played");
        course.take(newest.number, frames(MADE), SECONDS).unwrap();
        while course.frame().is_some() {
            course.see(Instant::now());
        }
        assert_eq!(course.seen().len(), 3 * MADE + 1);
        assert!(course.report().starts_with("3 keys, 3 answered"), "{}", course.report());
        let keys: Vec<Key> = course.keys.iter().map(|&(_, key)| key).collect();
        assert_eq!(keys, [Key::Left, Key::Right, Key::Up]);
        assert_eq!(course.keys[0].0, 0.25);
    }

    #[test]
    fn what_a_key_asks_for_takes_the_place_of_what_was_not_seen() {
        let (mut course, resting) = begun();
        course.take(resting.number, frames(MADE), 0.25).unwrap();
        course.press(Key::Char('x'), Instant::now());
        assert!(course.next_job().is_none(), "it means nothing");
        course.press(Key::Left, Instant::now());
        assert!(course.next_job().is_some());
        // Two were shown, two more are while the job is done, and one for the case that it takes longer.
        assert_eq!(course.all(), 5);
    }

    #[test]
    fn the_camera_answers_with_the_next_frame_and_nothing_is_made_for_it() {
        let (mut course, resting) = begun();
        for _ in 0..2 {
            course.press(Key::Char('w'), Instant::now());
        }
        assert!(course.next_job().is_none(), "what is made is the same");
        assert_eq!(course.view, View::default());
        course.frame().unwrap();
        course.see(Instant::now());
        assert_eq!(course.view, View::default().moved(CameraMove::ZoomIn, 1.0 / 8.0));
        assert!(course.report().starts_with("1 key, 1 answered"), "{}", course.report());
        course.take(resting.number, frames(MADE), SECONDS).unwrap();
        assert_eq!((course.seen().len(), course.keys.len()), (3, 1));
        course.press(Key::Char('c'), Instant::now());
        course.frame().unwrap();
        assert_eq!(course.view, View::default().moved(CameraMove::ZoomIn, 1.0 / 8.0));
    }

    #[test]
    fn a_jump_is_asked_for_once_and_not_lost() {
        let jump = Key::Char(' ');
        let mut course = Course::new(Kind::Dog, 8.0, [1, 1], true);
        let first = course.next_job().unwrap();
        course.press(jump, Instant::now());
        assert!(course.next_job().is_none(), "first there must be something to see");
        course.take(first.number, frames(MADE + 1), SECONDS).unwrap();
        let jumping = course.next_job().unwrap();
        assert_eq!(jumping.steering, pressed(&[jump]));
        course.take(jumping.number, frames(MADE), SECONDS).unwrap();
        while course.frame().is_some() {
            course.see(Instant::now());
        }
        assert_eq!(course.next_job().unwrap().steering, Steering::rest());
    }
}
