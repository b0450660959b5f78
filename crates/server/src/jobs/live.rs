//! What is known of jobs while they are worked on, and the news of it for those who watch.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::broadcast;

use crate::maker::{Preview, Progress};

/// News that are kept for a watcher who is slow. One who misses some asks again how things are.
const KEPT_NEWS: usize = 256;

/// Something about a job has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The job.
    pub id: Arc<str>,
}

/// How a job is that is worked on.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The part of the work; empty before the first.
    pub stage: String,
    /// Steps of it that are done.
    pub step: u64,
    /// Steps of it in all.
    pub total: u64,
    /// How much of all the work is done, 0 to 1.
    pub done: f64,
    /// How much was done when it was begun or went on.
    pub done_before: f64,
    /// When it was begun or went on.
    pub begun: Instant,
    /// What can be seen of it, the newest.
    pub preview: Option<Arc<Preview>>,
    /// How many of these there were.
    pub previews: u64,
    /// Whether its end was asked for.
    pub is_cancelled: bool,
}

impl Moment {
    /// Whole percent of all the work, at most 99: the last one is the file itself.
    pub fn percent(&self) -> u8 {
        // Within 0 to 99.
        (self.done * 100.0).clamp(0.0, 99.0) as u8
    }

    /// About how many seconds are left, after the pace so far; `None` before there is one.
    pub fn seconds_left(&self) -> Option<f64> {
        /// Of the work: less tells nothing of the pace.
        const PACE: f64 = 0.05;
        let done = self.done - self.done_before;
        (done >= PACE).then(|| self.begun.elapsed().as_secs_f64() / done * (1.0 - self.done).max(0.0))
    }
}

/// All jobs that are worked on.
#[derive(Debug)]
pub struct Live {
    moments: Mutex<HashMap<String, Moment>>,
    news: broadcast::Sender<News>,
}

impl Default for Live {
    fn default() -> Self {
        Self { moments: Mutex::default(), news: broadcast::Sender::new(KEPT_NEWS) }
    }
}

impl Live {
    /// Work on a job begins.
    pub fn begin(&self, id: &str, percent: u8) {
        let done = f64::from(percent) / 100.0;
        let moment = Moment {
            stage: String::new(),
            step: 0,
            total: 0,
            done,
            done_before: done,
            begun: Instant::now(),
            preview: None,
            previews: 0,
            is_cancelled: false,
        };
        self.lock().insert(id.to_owned(), moment);
        self.tell(id);
    }

    /// A step of it is done. How it then is; `None` if nobody works on it.
    pub fn progress(&self, id: &str, progress: Progress<'_>) -> Option<Moment> {
        let Progress { stage, step, total, done, preview } = progress;
        let moment = {
            let mut moments = self.lock();
            let moment = moments.get_mut(id)?;
            // Work that goes on may begin to count anew.
            if done.is_finite() {
                moment.done = moment.done.max(done.clamp(0.0, 1.0));
            }
            stage.clone_into(&mut moment.stage);
            (moment.step, moment.total) = (step, total);
            if let Some(preview) = preview {
                moment.preview = Some(Arc::new(preview));
                moment.previews += 1;
            }
            moment.clone()
        };
        self.tell(id);
        Some(moment)
    }

    /// Asks for its end, if it is worked on.
    pub fn cancel(&self, id: &str) {
        if let Some(moment) = self.lock().get_mut(id) {
            moment.is_cancelled = true;
        }
        self.tell(id);
    }

    /// Work on it is over.
    pub fn end(&self, id: &str) {
        self.lock().remove(id);
        self.tell(id);
    }

    /// How it is, if it is worked on.
    pub fn moment(&self, id: &str) -> Option<Moment> {
        self.lock().get(id).cloned()
    }

    /// Those that are worked on.
    pub fn ids(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Something about it has changed.
    pub fn tell(&self, id: &str) {
        // Nobody may be watching.
        let _ = self.news.send(News { id: id.into() });
    }

    /// All news from now on.
    pub fn watch(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Moment>> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
