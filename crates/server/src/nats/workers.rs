//! Which workers there are. Each says so now and then to whoever listens; it is not kept, and may be lost.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::lane::Lane;
use crate::maker::Estimate;

/// Where they say so.
pub const SUBJECT: &str = "kinora.workers";

/// How often.
pub const BETWEEN: Duration = Duration::from_secs(2);

/// Without a word for so long, there is none.
const SILENCE: Duration = Duration::from_secs(10);

/// A worker that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Here {
    /// Its name, another one at each start.
    pub name: String,
    /// What a job of its may take.
    pub memory_mib: u64,
}

/// Those that were heard of.
#[derive(Debug)]
pub struct Workers {
    begun: Instant,
    heard: Mutex<HashMap<String, (u64, Instant)>>,
}

impl Default for Workers {
    fn default() -> Self {
        Self { begun: Instant::now(), heard: Mutex::default() }
    }
}

impl Workers {
    /// Takes note of one.
    pub fn learn(&self, here: Here, now: Instant) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|_, (_, at)| now.duration_since(*at) < SILENCE);
        heard.insert(here.name, (here.memory_mib, now));
    }

    /// What such a job needs and no worker has, in words.
    pub fn lack(&self, estimate: &Estimate, now: Instant) -> Option<String> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let living = heard.values().filter(|(_, at)| now.duration_since(*at) < SILENCE);
        let needed = Lane::of(estimate).mib;
        match living.map(|(memory_mib, _)| *memory_mib).max() {
            Some(most) if most >= needed => None,
            Some(most) => {
                Some(format!("waits for a worker with {needed} MiB of memory; none has more than {most}"))
            }
            // Whoever has just begun to listen has heard of nobody.
            None if now.duration_since(self.begun) < SILENCE => None,
            None => Some(format!("waits for a worker with {needed} MiB of memory; there is none at all")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_worker_has_is_said() {
        let workers = Workers::default();
        let after = |seconds| workers.begun + Duration::from_secs(seconds);
        let lack = |mib: u64, seconds| {
            let lack = workers.lack(&Estimate { seconds: 1.0, bytes: mib << 20 }, after(seconds));
            lack.unwrap_or_default()
        };
        let learn = |name: &str, memory_mib, seconds| {
            workers.learn(Here { name: name.to_owned(), memory_mib }, after(seconds));
        };
        assert_eq!(lack(500, 1), "", "nobody can know yet");
        assert!(lack(500, 11).contains("with 512 MiB") && lack(500, 11).contains("none at all"));
        learn("small", 512, 12);
        learn("large", 4096, 14);
        assert_eq!((lack(500, 15), lack(4096, 15)), (String::new(), String::new()));
        assert!(lack(4097, 15).ends_with("none has more than 4096"));
        assert!(lack(513, 23).is_empty(), "the large one was heard of nine seconds ago");
        learn("small", 512, 24);
        assert!(lack(513, 24).ends_with("none has more than 512"));
    }
}
