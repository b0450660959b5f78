//! `kinora bench serve`: how many videos a server makes in a minute, and how long its clients wait.

mod clients;

use std::{path::Path, time::Duration};

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use server::{Folder, LogForm, ServeArgs, Server, Settings};

use self::clients::{Load, Measured};
use crate::{
    failure::{print, usage},
    serve,
};

#[derive(Subcommand)]
pub enum BenchCommand {
    /// Let clients send requests to a server, each the next one when the last one is done
    #[command(after_help = "Example: kinora bench serve --clients 1,8 --seconds 30 --runners 2")]
    Serve(Box<BenchServeArgs>),
}

#[derive(Args)]
pub struct BenchServeArgs {
    /// Numbers of clients, one measurement each
    #[arg(long, value_delimiter = ',', default_value = "1,8,64")]
    clients: Vec<usize>,

    /// For how long new requests are sent in each measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    seconds: f64,

    /// What each request asks for
    #[arg(long, default_value = "a red ball rolls to the right on the grass")]
    prompt: String,

    /// More fields of each request, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    fields: String,

    /// Measure the server at this URL, which ends in /v1, in place of one that is started for it
    #[arg(long)]
    url: Option<String>,

    /// The key for that server
    #[arg(long, value_name = "KEY", default_value = "any")]
    key: String,

    /// Print one JSON object for each measurement
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServeArgs,
}

pub fn run(BenchCommand::Serve(args): &BenchCommand) -> Result<()> {
    let (most, seconds) = (args.clients.iter().copied().max().unwrap_or(0), args.seconds);
    if args.clients.contains(&0) || most == 0 || most > 1024 {
        return Err(usage(format!("--clients: expected 1 to 1024, found {:?}", args.clients)));
    }
    if !(seconds > 0.0 && seconds <= 86_400.0) {
        return Err(usage(format!("--seconds: expected more than 0 and at most 86400, found {seconds}")));
    }
    let fields: Map<String, Value> = serde_json::from_str(&args.fields).map_err(|error| {
        usage(format!(
            "--fields: expected a JSON object such as {{\"seconds\": 2}}, found {:?}: {error}",
            args.fields
        ))
    })?;
    // A server of its own lives as long as this does, and so does its folder.
    let folder = tempfile::tempdir()?;
    let (started, base) = match &args.url {
        Some(url) => (None, url.trim_end_matches('/').to_owned()),
        None => {
            let server = start(&args.server, folder.path(), most)?;
            let base = format!("http://{}/v1", server.address());
            (Some(server), base)
        }
    };
    let load = Load { base, key: args.key.clone(), prompt: args.prompt.clone(), fields };
    if !args.json {
        print("clients  videos  a minute   waiting: median, most   working: median, most   failed")?;
    }
    for &clients in &args.clients {
        let measured = load.measure(clients, Duration::from_secs_f64(seconds))?;
        print(&if args.json { measured.json(clients).to_string() } else { line(clients, &measured) })?;
    }
    if let Some(server) = started {
        server.stop();
    }
    Ok(())
}

/// A server that has room for all clients.
fn start(args: &ServeArgs, folder: &Path, clients: usize) -> Result<Server> {
    let settings = Settings::load(args)?;
    let room = clients as u64 + settings.runners;
    let settings = Settings {
        data: Folder(folder.to_owned()),
        port: 0,
        log: LogForm::Off,
        queue_length: settings.queue_length.max(room),
        jobs_per_key: settings.jobs_per_key.max(room),
        connections: settings.connections.max(4 * room),
        ..settings
    };
    Ok(Server::start(serve::maker(&settings)?, settings)?)
}

fn line(clients: usize, measured: &Measured) -> String {
    let [waiting, working] = [&measured.waiting, &measured.working].map(|times| {
        let [median, most] = times.median_and_most();
        format!("{median:>15.2} {most:>6.2} s")
    });
    format!(
        "{clients:>7} {:>7} {:>9.1} {waiting} {working} {:>8}",
        measured.videos(),
        measured.a_minute(),
        measured.failed
    )
}
