//! In the terminal: one thread makes frames, this one shows them and takes keys.

use std::{
    ops::ControlFlow,
    path::Path,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use terminal::{Key, Keys, Picture, Protocol, Screen, Stream};
use world::Kind;

use super::{
    course::{Course, Job},
    film::{Film, Frame},
    steering::HELP,
    write,
};
use crate::{
    failure::{print, usage},
    signals,
};

/// What a job made.
struct Made {
    number: u64,
    frames: Result<Vec<Frame>>,
    seconds: f64,
}

/// Plays until Escape or Ctrl-C.
pub fn play(film: &Film, kind: Kind, show: Option<Protocol>, output: Option<&Path>) -> Result<()> {
    let protocol = show.unwrap_or_else(|| Protocol::detect(Stream::Stdout));
    if protocol == Protocol::None {
        return Err(usage("expected a terminal to play in, found none; --script plays without one"));
    }
    let keys = Keys::open().map_err(|error| usage(format!("{error}; --script plays without keys")))?;
    let newest = AtomicU64::new(0);
    let (jobs, to_make) = channel();
    let (to_show, made) = channel();
    thread::scope(|scope| {
        let newest = &newest;
        scope.spawn(move || make(film, &to_make, &to_show, newest));
        let stage = Stage {
            film,
            keys,
            screen: Screen::of(Stream::Stdout, protocol),
            jobs,
            made,
            newest,
            course: Course::new(kind, film.fps, film.size, output.is_some()),
        };
        stage.run(output)
    })
}

/// Makes what is asked for, until nobody asks. What is no longer wanted is given up at the next step.
fn make(film: &Film, jobs: &Receiver<Job>, made: &Sender<Made>, newest: &AtomicU64) {
    for Job { number, last, steering } in jobs {
        let start = Instant::now();
        let go_on = || match newest.load(Ordering::Relaxed) {
            newest if newest == number => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        };
        let frames = film.next(&last, steering, number, &go_on);
        let is_wanted = newest.load(Ordering::Relaxed) == number;
        let seconds = start.elapsed().as_secs_f64();
        if is_wanted && made.send(Made { number, frames, seconds }).is_err() {
            return;
        }
    }
}

struct Stage<'a> {
    film: &'a Film,
    keys: Keys,
    screen: Screen<Stream>,
    jobs: Sender<Job>,
    made: Receiver<Made>,
    /// The number of the last job.
    newest: &'a AtomicU64,
    course: Course,
}

impl Stage<'_> {
    fn run(mut self, output: Option<&Path>) -> Result<()> {
        let played = self.play();
        // The maker gives up, and its channel ends.
        self.newest.fetch_add(1, Ordering::Relaxed);
        played?;
        let Self { film, course, screen, keys, .. } = self;
        // What is printed stands below the picture, in a terminal that is as it was.
        drop((screen, keys));
        if let Some(path) = output.filter(|_| !course.seen().is_empty()) {
            write(film, course.seen(), &course.keys, path)?;
        }
        print(&course.report())
    }

    fn play(&mut self) -> Result<()> {
        self.screen.caption(HELP)?;
        let step = Duration::from_secs_f64(1.0 / self.film.fps);
        let mut due = Instant::now();
        while signals::go_on().is_continue() {
            self.ask();
            let wait = due.saturating_duration_since(Instant::now());
            match self.keys.next(wait)? {
                Some(Key::Escape | Key::Interrupt) => break,
                Some(key) => self.course.press(key, Instant::now()),
                None => {
                    self.take()?;
                    self.show()?;
                    due = (due + step).max(Instant::now());
                }
            }
        }
        Ok(())
    }

    /// Asks for what is to be made, if anything is.
    fn ask(&mut self) {
        if let Some(job) = self.course.next_job() {
            self.newest.store(job.number, Ordering::Relaxed);
            // If the maker is gone, that shows when its frames are taken.
            let _ = self.jobs.send(job);
        }
    }

    /// Takes what was made.
    fn take(&mut self) -> Result<()> {
        match self.made.try_recv() {
            Ok(Made { number, frames, seconds }) => self.course.take(number, frames, seconds),
            Err(TryRecvError::Empty) => Ok(()),
            Err(TryRecvError::Disconnected) => Err(anyhow!("the model stopped")),
        }
    }

    /// Shows the next frame, if it is there.
    fn show(&mut self) -> Result<()> {
        if let Some(frame) = self.course.frame() {
            let [width, height] = self.film.size;
            self.screen.draw(&Picture::new(width, height, &frame[..])?)?;
            self.course.see(Instant::now());
        }
        Ok(())
    }
}
