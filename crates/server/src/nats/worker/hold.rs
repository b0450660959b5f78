//! What a worker says to NATS while it works on a job, and what it hears of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::jetstream::{AckKind, Message};

use crate::nats::{entry::Line, link::Link};

/// How often to look whether the job is wanted.
const LOOK: Duration = Duration::from_millis(500);

/// Signs of life in the time in which NATS wants one.
const SIGNS: u32 = 3;

/// How a job is that is worked on.
#[derive(Debug, Default)]
pub struct Hold {
    is_lost: AtomicBool,
    is_cancelled: AtomicBool,
}

impl Hold {
    /// Whether it is another worker's.
    pub fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::SeqCst)
    }

    /// It is another worker's.
    pub fn lose(&self) {
        self.is_lost.store(true, Ordering::SeqCst);
    }

    /// Whether its end was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }
}

/// Keeps a job of `holder`, until it is another's.
pub async fn keep(
    link: Link,
    id: String,
    holder: String,
    message: Arc<Message>,
    silence: Duration,
    hold: Arc<Hold>,
) {
    let between = silence / SIGNS;
    let mut told = Instant::now();
    loop {
        tokio::time::sleep(LOOK.min(between)).await;
        // First: a worker that was stopped for long must not speak of a job that it has lost.
        match link.record.read(&id).await {
            Ok(Some((_, Line::Job(entry)))) if entry.is_of(&holder) => {
                hold.is_cancelled.fetch_or(entry.job.is_cancelled, Ordering::SeqCst);
            }
            Ok(_) => return hold.lose(),
            // Whether it is still wanted is asked again soon.
            Err(_) => continue,
        }
        if told.elapsed() >= between && message.ack_with(AckKind::Progress).await.is_ok() {
            told = Instant::now();
        }
    }
}
