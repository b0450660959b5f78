//! The server itself: its start, its sockets, its end.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use axum::{Router, middleware};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::Runtime,
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_io_timeout::TimeoutStream;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    Error, Result, api,
    app::{App, BODY_UNIT, Phase},
    bell::Bell,
    config::{ServeArgs, Settings, is_loopback},
    crowd::Crowd,
    folder::DataFolder,
    hooks::Courier,
    jobs::{self, Live, Runners},
    journal::Journal,
    keys::KeyHash,
    maker::{Maker, ModelCard},
    metrics::Metrics,
    nats::{Front, Shared},
    net::Net,
    observe,
    store::{Jobs, Records},
};

/// Bytes of bodies that are in memory at the same time.
const BODY_BUDGET: usize = 256 << 20;

/// Bytes of the head of a request.
const MAX_HEAD: usize = 64 << 10;

/// Clients who may come at the same moment: of one more, the system lets the first word be lost, and it waits for a second.
const ARRIVALS: u32 = 1024;

/// How often to look for what has expired.
const SWEEP: Duration = Duration::from_secs(60);

/// For how long answers in hand are waited for at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// What the flags ask for.
#[derive(Debug)]
pub enum Command {
    /// To say this, and nothing else.
    Say(String),
    /// To serve.
    Serve(Box<Settings>),
}

impl Command {
    /// Of the flags, the environment and the file.
    ///
    /// # Errors
    /// Settings that cannot be, or a key that cannot be kept.
    pub fn of(args: &ServeArgs) -> Result<Self> {
        let settings = Settings::load(args)?;
        if args.print_config {
            return Ok(Self::Say(settings.to_toml()?.trim().to_owned()));
        }
        if let Some(name) = &args.new_key {
            let generated = KeyHash::generate(name);
            let (key, hash) = generated.map_err(|expected| Error::Setting {
                name: "new_key".to_owned(),
                expected,
                found: name.clone(),
            })?;
            let folder = DataFolder::open(&settings.data)?;
            Records::open(&folder.records(), None)?.add_key(&hash)?;
            return Ok(Self::Say(format!(
                "{key}\n\nIts hash is kept in {}; for api_keys: {hash}",
                settings.data.display()
            )));
        }
        Ok(Self::Serve(Box::new(settings)))
    }
}

/// Serves until `is_over` says so, which is asked a few times a second. Jobs in hand then go back into the queue.
///
/// # Errors
/// No address, no folder, or nobody who may come in.
pub fn serve(maker: Arc<dyn Maker>, settings: Settings, mut is_over: impl FnMut() -> bool) -> Result<()> {
    let server = Server::start(maker, settings)?;
    while !is_over() {
        thread::sleep(Duration::from_millis(100));
    }
    server.stop();
    Ok(())
}

/// Who does the work, and is waited for at the end.
#[expect(dead_code, reason = "they are only held")]
enum Hands {
    /// Threads of this program.
    Here(Runners),
    /// Workers: this is who listens to them.
    Elsewhere(Front),
}

/// A server that runs. [`stop`](Self::stop) ends it in order; dropping it ends it as a kill would, so that the next one finds
/// what a kill would leave.
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    hands: Option<Hands>,
    courier: Option<Courier>,
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Listens, takes up the jobs that are left from the last time, and serves.
    ///
    /// # Errors
    /// No address, no folder, or nobody who may come in.
    pub fn start(maker: Arc<dyn Maker>, settings: Settings) -> Result<Self> {
        check_models(&maker.models(), &settings)?;
        let folder = Arc::new(DataFolder::open(&settings.data)?);
        let hours = i64::try_from(settings.retention_hours).unwrap_or(i64::MAX);
        let retention = (hours > 0).then(|| hours.saturating_mul(3600));
        let records = Arc::new(Records::open(&folder.records(), retention)?);
        let keys = [settings.api_keys.to_vec(), records.keys()?].concat();
        let wanted = settings.address();
        if keys.is_empty() && !settings.open_to_all && !is_loopback(settings.host) {
            return Err(Error::NoKeys { address: wanted });
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("http")
            .enable_all()
            .build()
            .map_err(Error::System)?;
        let listen = |source| Error::Listen { address: wanted, source };
        let listener = runtime.block_on(async { listen_at(wanted) }).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let shared = match settings.queue.as_str() {
            "" => None,
            _ => {
                let (folder, records) = (folder.clone(), records.clone());
                let (shared, heard) = Shared::open(runtime.handle(), &settings, folder, records, retention)?;
                Some((Arc::new(shared), heard))
            }
        };
        let jobs: Arc<dyn Jobs> = match &shared {
            Some((shared, _)) => shared.clone(),
            None => records.clone(),
        };
        jobs.recover(settings.max_crashes)?;
        // Jobs of this machine alone stay there while it shares others.
        let known = [jobs.names()?, records.names()?, records.character_names()?];
        folder.sweep(&known.into_iter().flatten().collect())?;
        let app = Arc::new(App {
            keys,
            maker,
            jobs,
            link_secret: records.secret("links")?,
            records,
            folder,
            live: Live::default(),
            net: Net::new(settings.private_webhooks),
            journal: Journal::new(settings.log),
            metrics: Metrics::default(),
            job_bell: Bell::default(),
            hook_bell: Bell::default(),
            phase: Phase::default(),
            eye: Mutex::default(),
            body_budget: Arc::new(Semaphore::new(BODY_BUDGET / BODY_UNIT)),
            settings,
        });
        jobs::sweep(&app)?;
        let router = api::router(&app)
            .layer(CatchPanicLayer::custom(observe::panicked))
            .layer(middleware::from_fn_with_state(app.clone(), observe::observe));
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(accept(app.clone(), listener, router, stopped.clone()));
        runtime.spawn(sweep(app.clone(), stopped));
        let hands = match shared {
            Some((shared, heard)) => {
                Hands::Elsewhere(Front::start(app.clone(), shared, heard).map_err(Error::System)?)
            }
            None => Hands::Here(Runners::start(app.clone()).map_err(Error::System)?),
        };
        let courier = Courier::start(app.clone()).map_err(Error::System)?;
        app.journal.event("listening", json!({ "url": format!("http://{address}/v1") }));
        Ok(Self { app, address, stop, hands: Some(hands), courier: Some(courier), runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it in order: no more comes in, jobs in hand go back into the queue after their step, answers in hand are sent.
    pub fn stop(mut self) {
        self.app.phase.stop();
        self.end(LAST_ANSWERS);
    }

    fn end(&mut self, patience: Duration) {
        // Nobody listens any more if the runtime is gone.
        let _ = self.stop.send(true);
        drop(self.hands.take());
        drop(self.courier.take());
        if let Some(runtime) = self.runtime.take() {
            // Connections tell by their end that they have ended.
            let ended = async {
                let _ = tokio::time::timeout(patience, self.stop.closed()).await;
            };
            runtime.block_on(ended);
            runtime.shutdown_timeout(patience);
            self.app.journal.event("stopped", json!({}));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.runtime.is_some() {
            self.app.phase.abandon();
            self.end(Duration::ZERO);
        }
    }
}

/// Whether there is what the settings name.
fn check_models(served: &[ModelCard], settings: &Settings) -> Result<()> {
    let names: Vec<&str> = served.iter().map(|model| model.id.as_str()).collect();
    if names.is_empty() {
        return Err(Error::NoModel);
    }
    let meant = settings.aliases.iter().map(|alias| ("aliases", alias.means.as_str()));
    let mut meant = meant.chain([("default_model", settings.default_model.as_str())]);
    match meant.find(|(_, name)| !name.is_empty() && !names.contains(name)) {
        None => Ok(()),
        Some((setting, found)) => Err(Error::Setting {
            name: setting.to_owned(),
            expected: format!("a model that is served ({})", names.join(", ")),
            found: found.to_owned(),
        }),
    }
}

/// Listens at an address, also where a server has just ended.
fn listen_at(wanted: SocketAddr) -> io::Result<TcpListener> {
    let socket = if wanted.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Elsewhere this would let two servers take each other's clients.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(wanted)?;
    socket.listen(ARRIVALS)
}

/// Takes connections, as many at a time as are allowed; others wait to be taken.
async fn accept(app: Arc<App>, listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(app.settings.connections as usize));
    let crowd = Arc::new(Crowd::new(app.settings.connections_per_address));
    let mut connections = JoinSet::new();
    loop {
        // Those that have ended need not be remembered.
        while connections.try_join_next().is_some() {}
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            _ = stopped.changed() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                let Some(guest) = crowd.enter(from.ip()) else { continue };
                let connection = serve_connection(app.clone(), stream, router.clone(), stopped.clone());
                connections.spawn(async move {
                    connection.await;
                    drop((permit, guest));
                });
            }
            Err(error) => {
                // No more file descriptors, most of the time: some come back.
                app.journal.event("accept_error", json!({ "error": error.to_string() }));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let _ =
        tokio::time::timeout(LAST_ANSWERS, async { while connections.join_next().await.is_some() {} }).await;
}

async fn serve_connection(
    app: Arc<App>,
    stream: TcpStream,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    // Small answers go out at once; where that cannot be set, later.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    // Who takes nothing of an answer holds a connection that others wait for.
    stream.set_write_timeout(Some(Duration::from_secs(app.settings.answer_seconds)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(app.settings.header_seconds))
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // A client that goes away is no fault of ours.
    let _ = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}

/// Removes what has expired, now and then.
async fn sweep(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        let swept = app.blocking(|app| Ok(jobs::sweep(app)?)).await;
        if swept.is_err() {
            app.journal.event("sweep_error", json!({}));
        }
    }
}
