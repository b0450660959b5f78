//! In the terminal: one thread makes frames, this one shows them and takes keys.

use std::{
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use terminal::{Key, Keys, Picture, Protocol, Screen, Stream};
use world::Kind;

use super::{
    film::{Film, MADE, SEEN},
    steering::{HELP, Steering},
    write,
};
use crate::{
    failure::{print, usage},
    signals,
};

/// Frames that are shown before what a key asks for, until it is known how long that takes to make.
const FIRST_WAIT: f64 = 0.6;
/// What is remembered of a film that is not written, in frames.
const REMEMBERED: usize = 256;

/// Frames to be made.
struct Job {
    number: u64,
    last: Vec<Arc<[u8]>>,
    steering: Steering,
}

/// Frames that were made, and the seconds that it took.
type Made = (u64, Result<Vec<Arc<[u8]>>>, f64);

/// Plays until Escape or Ctrl-C.
pub fn play(film: Film, kind: Kind, show: Option<Protocol>, output: Option<&Path>) -> Result<()> {
    let protocol = show.unwrap_or_else(|| Protocol::detect(Stream::Stdout));
    if protocol == Protocol::None {
        return Err(usage("expected a terminal to play in, found none; --script plays without one"));
    }
    let keys = Keys::open().map_err(|error| usage(format!("{error}; --script plays without keys")))?;
    let newest = AtomicU64::new(0);
    let (jobs, to_make) = channel();
    let (to_show, made) = channel();
    let film = &film;
    thread::scope(|scope| {
        let newest = &newest;
        scope.spawn(move || make(film, &to_make, &to_show, newest));
        let stage = Stage {
            film,
            kind,
            keys,
            screen: Screen::of(Stream::Stdout, protocol),
            jobs,
            made,
            newest,
            frames: Vec::new(),
            forgotten: 0,
            shown: 0,
            steering: Steering::rest(),
            working: None,
            wait: FIRST_WAIT,
            pressed: None,
            latencies: Vec::new(),
            stalled: 0,
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
        if is_wanted && made.send((number, frames, start.elapsed().as_secs_f64())).is_err() {
            return;
        }
    }
}

struct Stage<'a> {
    film: &'a Film,
    kind: Kind,
    keys: Keys,
    screen: Screen<Stream>,
    jobs: Sender<Job>,
    made: Receiver<Made>,
    /// The number of the last job.
    newest: &'a AtomicU64,
    /// Those that are remembered, and how many are not any more.
    frames: Vec<Arc<[u8]>>,
    forgotten: usize,
    /// How many of all were shown.
    shown: usize,
    /// What is asked for next.
    steering: Steering,
    /// The job in hand.
    working: Option<u64>,
    /// Seconds that a job takes.
    wait: f64,
    /// When the last key was pressed, and the first frame that answers to it.
    pressed: Option<(Instant, usize)>,
    latencies: Vec<f64>,
    /// Frames that were not there in time.
    stalled: usize,
}

impl Stage<'_> {
    fn run(mut self, output: Option<&Path>) -> Result<()> {
        self.screen.caption(HELP)?;
        let step = Duration::from_secs_f64(1.0 / self.film.fps);
        let mut due = Instant::now();
        while signals::go_on().is_continue() {
            if self.working.is_none() && self.all() - self.shown < MADE {
                self.ask();
            }
            let wait = due.saturating_duration_since(Instant::now());
            match self.keys.next(wait)? {
                Some(Key::Escape | Key::Interrupt) => break,
                Some(key) => self.press(key),
                None => {
                    self.take()?;
                    self.show(output.is_some())?;
                    due = (due + step).max(Instant::now());
                }
            }
        }
        // The maker gives up, and its channel ends.
        self.newest.fetch_add(1, Ordering::Relaxed);
        let Self { film, frames, latencies, stalled, shown, .. } = self;
        if let Some(path) = output.filter(|_| shown > 0) {
            write(film, &frames[..shown.min(frames.len())], path)?;
        }
        print(&report(latencies, stalled))
    }

    fn all(&self) -> usize {
        self.forgotten + self.frames.len()
    }

    /// Asks for what comes behind the last frame.
    fn ask(&mut self) {
        let number = self.newest.fetch_add(1, Ordering::Relaxed) + 1;
        let last = self.frames[self.frames.len().saturating_sub(SEEN)..].to_vec();
        // If the maker is gone, that shows when its frames are taken.
        let _ = self.jobs.send(Job { number, last, steering: self.steering });
        self.working = Some(number);
    }

    /// What a key asks for comes as soon as it can be made: what was made beyond that is given up.
    fn press(&mut self, key: Key) {
        let Some(steering) = self.steering.press(key, self.kind).filter(|new| *new != self.steering) else {
            return;
        };
        self.steering = steering;
        let meanwhile = (self.wait * self.film.fps).ceil() as usize + 1;
        let keep = (self.shown + meanwhile).min(self.all()).saturating_sub(self.forgotten);
        self.frames.truncate(keep.max(1));
        if self.all() > 0 && !self.frames.is_empty() {
            self.pressed.get_or_insert((Instant::now(), self.all()));
            self.ask();
        }
    }

    /// Takes what was made.
    fn take(&mut self) -> Result<()> {
        let (number, frames, seconds) = match self.made.try_recv() {
            Ok(made) => made,
            Err(std::sync::mpsc::TryRecvError::Empty) => return Ok(()),
            Err(std::sync::mpsc::TryRecvError::Disconnected) => return Err(anyhow!("the model stopped")),
        };
        if self.working == Some(number) {
            self.frames.extend(frames?);
            self.working = None;
            self.wait = seconds;
            self.steering = self.steering.after();
        }
        Ok(())
    }

    /// Shows the next frame, if it is there.
    fn show(&mut self, is_written: bool) -> Result<()> {
        let Some(frame) = self.frames.get(self.shown - self.forgotten).cloned() else {
            // Before the first there is nothing to wait for.
            self.stalled += usize::from(self.shown > 0);
            return Ok(());
        };
        let [width, height] = self.film.size;
        self.screen.draw(&Picture::new(width, height, &frame[..])?)?;
        if let Some((pressed, _)) = self.pressed.take_if(|(_, first)| *first <= self.shown) {
            self.latencies.push(pressed.elapsed().as_secs_f64());
        }
        self.shown += 1;
        if !is_written && self.frames.len() > REMEMBERED {
            let old = (self.shown - self.forgotten).saturating_sub(SEEN);
            self.frames.drain(..old);
            self.forgotten += old;
        }
        Ok(())
    }
}

fn report(mut latencies: Vec<f64>, stalled: usize) -> String {
    latencies.sort_by(f64::total_cmp);
    let waited = match latencies.last() {
        Some(most) => format!(
            "from key to picture {:.2} s (median of {}), {most:.2} s at most",
            latencies[latencies.len() / 2],
            latencies.len()
        ),
        None => "no key was pressed".into(),
    };
    format!("{waited}; {stalled} frames came late")
}
