//! The connection to NATS, and what of ours is there.

use std::{
    future::Future,
    pin::Pin,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_nats::{
    Client, ConnectOptions, Event, Message, ServerAddr,
    connection::State,
    jetstream::{
        self, Context, ErrorCode,
        context::GetStreamErrorKind,
        stream::{self, Stream},
    },
};
use serde_json::json;
use tokio::runtime::Handle;

use super::{
    away,
    files::{self, Files},
    queue::{self, Queue},
    record::{self, Record},
};
use crate::{Error, Result, journal::Journal, store::StoreError};

/// For how long NATS is waited for, whatever it is asked.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait until NATS is asked again that did not answer.
pub const PAUSE: Duration = Duration::from_millis(500);

/// NATS, and what of ours is there.
#[derive(Clone)]
pub struct Link {
    client: Client,
    connected: Connected,
    runtime: Handle,
    /// A line for each job.
    pub record: Record,
    /// Their files.
    pub files: Files,
    /// What is to be done.
    pub queue: Queue,
}

/// Since when there is a connection, or was the last time.
type Connected = Arc<Mutex<Instant>>;

/// What a server makes in NATS, if it is not there.
#[derive(Clone, Copy, Debug)]
pub struct Making {
    /// Copies of everything.
    pub replicas: usize,
    /// How long a worker may be silent.
    pub silence: Duration,
}

impl Link {
    /// Connects for a server, and makes what is not there.
    ///
    /// # Errors
    /// A URL that is none, nobody who answers there, or no JetStream.
    pub fn make(runtime: &Handle, urls: &str, journal: Journal, making: Making) -> Result<Self> {
        let addresses = addresses(urls)?;
        let url = shown(&addresses);
        let made = runtime.block_on(async {
            let (client, connected, context) = connect(addresses, "kinora server", journal).await?;
            for stream in [record::stream(), files::stream(), queue::stream()] {
                make(&context, stream, making.replicas).await?;
            }
            Self::find((client, connected), &context, runtime, Some(making.silence)).await
        });
        made.map_err(|what| Error::Queue { url, what })
    }

    /// Connects for a worker. `None` if no server has made yet what it needs.
    ///
    /// # Errors
    /// As for [`Self::make`].
    pub fn open(runtime: &Handle, urls: &str, journal: Journal) -> Result<Option<Self>> {
        let addresses = addresses(urls)?;
        let url = shown(&addresses);
        let opened = runtime.block_on(async {
            let (client, connected, context) = connect(addresses, "kinora worker", journal).await?;
            // It is made last.
            match found(&context, queue::STREAM).await? {
                Some(_) => Self::find((client, connected), &context, runtime, None).await.map(Some),
                None => Ok(None),
            }
        });
        opened.map_err(|what| Error::Queue { url, what })
    }

    async fn find(
        (client, connected): (Client, Connected),
        context: &Context,
        runtime: &Handle,
        silence: Option<Duration>,
    ) -> Result<Self, String> {
        let record = Record::open(context).await?;
        let files = Files::open(context).await?;
        let queue = Queue::open(context, &client, silence).await?;
        Ok(Self { client, connected, runtime: runtime.clone(), record, files, queue })
    }

    /// Waits for what is asked of NATS, on a thread that may wait.
    ///
    /// # Errors
    /// What it fails with; at once, while there is no connection.
    pub fn wait<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.check()?;
        self.runtime.block_on(asked)
    }

    /// Whether there is a connection.
    ///
    /// # Errors
    /// There is none.
    pub fn check(&self) -> Result<(), StoreError> {
        match self.client.connection_state() {
            State::Connected => Ok(()),
            State::Disconnected | State::Pending => Err(away("no connection")),
        }
    }

    /// For how long there has been a connection.
    pub fn age(&self) -> Duration {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Does something beside.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        self.runtime.spawn(task)
    }

    /// Hears what is told under a subject and not kept, for ever.
    pub async fn hear(&self, subject: &'static str, mut each: impl FnMut(Message)) {
        loop {
            if let Ok(mut messages) = self.client.subscribe(subject).await {
                while let Some(message) = next(&mut messages).await {
                    each(message);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// For what is told and not kept.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// A stream of NATS's, if there is one of that name.
async fn found(context: &Context, name: &str) -> Result<Option<Stream>, String> {
    match context.get_stream(name).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Ok(None)
            }
            _ => Err(error.to_string()),
        },
    }
}

/// Makes a stream if there is none, with so many copies; or has NATS keep more, if it keeps fewer: another server may want more.
async fn make(context: &Context, config: stream::Config, replicas: usize) -> Result<(), String> {
    match found(context, &config.name).await? {
        Some(stream) => {
            let config = &stream.cached_info().config;
            if config.num_replicas >= replicas {
                return Ok(());
            }
            let config = stream::Config { num_replicas: replicas, ..config.clone() };
            context.update_stream(config).await.map(drop).map_err(|error| error.to_string())
        }
        None => {
            let config = stream::Config { num_replicas: replicas, ..config };
            context.create_stream(config).await.map(drop).map_err(|error| error.to_string())
        }
    }
}

/// The next of a stream.
pub async fn next<S: futures_core::Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

async fn connect(
    addresses: Vec<ServerAddr>,
    name: &str,
    journal: Journal,
) -> Result<(Client, Connected, Context), String> {
    let connected = Connected::new(Mutex::new(Instant::now()));
    let since = connected.clone();
    let note = move |event| {
        if matches!(event, Event::Connected) {
            *since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
        if let Event::Connected | Event::Disconnected | Event::ServerError(_) = event {
            journal.event("nats", json!({ "state": event.to_string() }));
        }
        std::future::ready(())
    };
    let mut options = ConnectOptions::new().name(name).connection_timeout(PATIENCE).event_callback(note);
    // The client itself takes no notice of them in a URL.
    if let Some((user, password)) = addresses.iter().find_map(credentials) {
        options = match password {
            Some(password) => options.user_and_password(user, password),
            None => options.token(user),
        };
    }
    let client = options.connect(addresses).await.map_err(|error| error.to_string())?;
    let mut context = jetstream::new(client.clone());
    context.set_timeout(PATIENCE);
    Ok((client, connected, context))
}

/// User and password of a URL; or the token alone, as NATS's other clients write it.
fn credentials(address: &ServerAddr) -> Option<(String, Option<String>)> {
    let user = address.username()?;
    Some((user.to_owned(), address.password().map(str::to_owned)))
}

/// Whether URLs say where NATS is.
///
/// # Errors
/// They say something else.
pub fn check(urls: &str) -> Result<()> {
    addresses(urls).map(drop)
}

fn addresses(urls: &str) -> Result<Vec<ServerAddr>> {
    let address = |url: &str| {
        let address = ServerAddr::from_str(url.trim()).ok()?;
        // What the client takes for addresses too.
        let is_ours = !address.host().is_empty() && !address.is_websocket();
        is_ours.then_some(address)
    };
    let addresses: Option<Vec<_>> = urls.split(',').map(address).collect();
    addresses.ok_or_else(|| Error::Setting {
        name: "queue".to_owned(),
        expected: "nats://HOST:PORT or tls://HOST:PORT, or several with commas between".to_owned(),
        found: "something else".to_owned(),
    })
}

/// Addresses as others may see them.
fn shown(addresses: &[ServerAddr]) -> String {
    let shown: Vec<_> =
        addresses.iter().map(|address| format!("nats://{}:{}", address.host(), address.port())).collect();
    shown.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_where_and_who_and_only_where_is_shown() {
        let of = |urls: &str| addresses(urls).unwrap();
        let both = of("nats://alice:secret@one:4223, tls://two");
        assert_eq!(shown(&both), "nats://one:4223,nats://two:4222");
        assert_eq!(credentials(&both[0]), Some(("alice".into(), Some("secret".into()))));
        assert_eq!(credentials(&both[1]), None);
        assert_eq!(credentials(&of("nats://token@one")[0]), Some(("token".into(), None)));
        for urls in ["http://secret@one", "nats://one,", "nats://:x"] {
            let error = addresses(urls).unwrap_err();
            assert!(error.is_usage() && !error.to_string().contains("secret"), "{urls}: {error}");
        }
    }
}
