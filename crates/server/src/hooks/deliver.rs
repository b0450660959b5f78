//! Messages on their way: they are in the record until they arrive, whatever happens to this program.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::json;

use super::{Event, sign};
use crate::{
    app::App,
    clock,
    ids::Sort,
    net,
    store::{Delivery, Endpoint, event_body},
};

/// Seconds until the next try, after each that failed; behind the last one the message is given up.
const WAITS: [i64; 8] = [1, 5, 30, 300, 1800, 7200, 28_800, 86_400];

/// Messages that are sent at the same time, to different endpoints: one that does not answer holds up few.
const AT_ONCE: u32 = 8;

/// How often to look for what has become due, if nobody rings.
const PAUSE: Duration = Duration::from_secs(1);

/// The thread that sends messages.
pub struct Courier {
    thread: Option<JoinHandle<()>>,
    stops: Arc<AtomicBool>,
    app: Arc<App>,
}

impl Courier {
    /// Starts it.
    ///
    /// # Errors
    /// No thread.
    pub fn start(app: Arc<App>) -> std::io::Result<Self> {
        let stops = Arc::new(AtomicBool::new(false));
        let (stop, of) = (stops.clone(), app.clone());
        let thread = thread::Builder::new().name("webhooks".into()).spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                round(&app);
                app.hook_bell.wait(PAUSE);
            }
        })?;
        Ok(Self { thread: Some(thread), stops, app: of })
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::SeqCst);
        self.app.hook_bell.ring();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends what is due.
fn round(app: &App) {
    let due = match app.records.due(AT_ONCE) {
        Ok(due) => due,
        Err(error) => return app.journal.event("webhook_error", json!({ "error": error.to_string() })),
    };
    let is_full = due.len() == AT_ONCE as usize;
    thread::scope(|scope| {
        for delivery in &due {
            scope.spawn(move || deliver(app, delivery));
        }
    });
    if is_full
        || app.records.next_delivery().ok().flatten().is_some_and(|at| at <= clock::now_ms())
            && !due.is_empty()
    {
        app.hook_bell.ring();
    }
}

fn deliver(app: &App, delivery: &Delivery) {
    let Delivery { seq, event, body, tries, endpoint } = delivery;
    let (result, outcome) = match send(&app.net, endpoint, event, body) {
        Ok(status) if (200..300).contains(&status) => (app.records.delivered(*seq), format!("{status}")),
        // It wants to hear no more of this.
        Ok(410) => (app.records.delivered(*seq), "410".to_owned()),
        other => {
            let outcome = other.map_or_else(|error| error, |status| status.to_string());
            let result = match WAITS.get(*tries as usize) {
                Some(seconds) => app.records.try_again(*seq, seconds * 1000),
                None => app.records.delivered(*seq),
            };
            (result, outcome)
        }
    };
    let error = result.err().map(|error| error.to_string());
    let fields = json!({ "endpoint": endpoint.id, "event": event, "try": tries + 1, "outcome": outcome, "error": error });
    app.journal.event("webhook", fields);
}

/// Sends a message of a kind for a trial, once. The status that the endpoint answers with.
///
/// # Errors
/// Why nothing was answered.
pub fn test_delivery(net: &net::Net, endpoint: &Endpoint, event: Event) -> Result<u16, String> {
    let id = Sort::Event.name();
    let video = "video_00000000000000000000000000000000";
    send(net, endpoint, &id, &event_body(&id, event, clock::now(), video))
}

fn send(net: &net::Net, endpoint: &Endpoint, event: &str, body: &str) -> Result<u16, String> {
    let timestamp = clock::now();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", event.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", sign::signatures(endpoint, event, timestamp, body)),
    ];
    net.post(&endpoint.url, &headers, body)
}
