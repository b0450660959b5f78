//! Clients of the Videos API who want one video after another.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use serde_json::{Map, Value, json};
use ureq::Agent;

/// How often a client asks how far its video is: times are exact to this.
const ASK: Duration = Duration::from_millis(50);
/// How long a client takes it that a server answers nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked for, and of whom.
pub struct Load {
    pub base: String,
    pub key: String,
    pub prompt: String,
    pub fields: Map<String, Value>,
}

/// What came of it.
pub struct Measured {
    /// Seconds from the first request to the end of the last video.
    pub elapsed: f64,
    /// Seconds from the request to the beginning of the work.
    pub waiting: Times,
    /// Seconds from there to the end.
    pub working: Times,
    /// Videos that failed.
    pub failed: usize,
}

/// Seconds, in order.
pub struct Times(Vec<f64>);

/// A video of a client.
struct Made {
    waited: f64,
    worked: f64,
    is_good: bool,
}

impl Load {
    /// Lets so many clients send requests for so long, and waits for the last video.
    pub fn measure(&self, clients: usize, span: Duration) -> Result<Measured> {
        // No two requests are the same: a server may take an equal one for the same one, sent again.
        static SEED: AtomicU64 = AtomicU64::new(1);
        let (made, failure) = (Mutex::new(Vec::new()), Mutex::new(None));
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..clients {
                scope.spawn(|| {
                    let agent: Agent = Agent::config_builder()
                        .http_status_as_error(false)
                        .timeout_global(Some(PATIENCE))
                        .build()
                        .into();
                    while start.elapsed() < span && locked(&failure).is_none() {
                        match self.one(&agent, SEED.fetch_add(1, Ordering::Relaxed)) {
                            Ok(video) => locked(&made).push(video),
                            Err(error) => *locked(&failure) = Some(error),
                        }
                    }
                });
            }
        });
        if let Some(error) = locked(&failure).take() {
            return Err(error);
        }
        let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
        let good = || made.iter().filter(|video| video.is_good);
        Ok(Measured {
            elapsed: start.elapsed().as_secs_f64(),
            waiting: Times::new(good().map(|video| video.waited).collect()),
            working: Times::new(good().map(|video| video.worked).collect()),
            failed: made.len() - good().count(),
        })
    }

    /// Makes one video.
    fn one(&self, agent: &Agent, seed: u64) -> Result<Made> {
        let mut body = json!({ "prompt": self.prompt, "seed": seed });
        for (name, value) in &self.fields {
            body[name] = value.clone();
        }
        let start = Instant::now();
        let posted = agent
            .post(format!("{}/videos", self.base))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .send(body.to_string());
        let mut video = self.answer(posted)?;
        let name = video["id"].as_str().ok_or_else(|| self.odd(&video))?.to_owned();
        let mut waited = None;
        loop {
            let now = start.elapsed().as_secs_f64();
            match video["status"].as_str() {
                Some("queued") => {}
                Some("in_progress") => {
                    waited.get_or_insert(now);
                }
                Some(end @ ("completed" | "failed")) => {
                    let waited = waited.unwrap_or(now);
                    return Ok(Made { waited, worked: now - waited, is_good: end == "completed" });
                }
                _ => return Err(self.odd(&video)),
            }
            thread::sleep(ASK);
            let asked = agent
                .get(format!("{}/videos/{name}", self.base))
                .header("authorization", format!("Bearer {}", self.key))
                .call();
            video = self.answer(asked)?;
        }
    }

    fn answer(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value> {
        let failed = |error: &dyn std::fmt::Display| anyhow!("{}: {error}", self.base);
        let mut answer = answer.map_err(|error| failed(&error))?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(|error| failed(&error))?;
        if !status.is_success() {
            return Err(failed(&format!("expected a video, found {status}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| failed(&error))
    }

    fn odd(&self, found: &Value) -> anyhow::Error {
        anyhow!("{}: expected a video with an id and a status, found {found}", self.base)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Measured {
    /// Videos that were made.
    pub fn videos(&self) -> usize {
        self.waiting.0.len()
    }

    /// Videos in a minute.
    pub fn a_minute(&self) -> f64 {
        60.0 * self.videos() as f64 / self.elapsed
    }

    /// All of it, for programs; times in seconds.
    pub fn json(&self, clients: usize) -> Value {
        let [waiting, working] = [&self.waiting, &self.working].map(|times| {
            let [median, most] = times.median_and_most();
            json!({ "median": median, "most": most })
        });
        json!({
            "clients": clients,
            "videos": self.videos(),
            "failed": self.failed,
            "seconds": self.elapsed,
            "videos_a_minute": self.a_minute(),
            "waiting": waiting,
            "working": working,
        })
    }
}

impl Times {
    fn new(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        Self(seconds)
    }

    /// 0 where there are none.
    pub fn median_and_most(&self) -> [f64; 2] {
        let at = |index: usize| self.0.get(index).copied().unwrap_or_default();
        [at(self.0.len() / 2), at(self.0.len().saturating_sub(1))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_times_the_middle_and_the_last_are_told() {
        assert_eq!(Times::new(vec![3.0, 1.0, 9.0]).median_and_most(), [3.0, 9.0]);
        assert_eq!(Times::new(Vec::new()).median_and_most(), [0.0, 0.0]);
        let measured = Measured {
            elapsed: 30.0,
            waiting: Times::new(vec![1.0; 5]),
            working: Times::new(vec![2.0; 5]),
            failed: 1,
        };
        assert_eq!(measured.a_minute(), 10.0);
        assert_eq!(measured.json(4)["working"]["most"], 2.0);
    }
}
