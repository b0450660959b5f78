//! The settings.

use std::{
    ffi::OsString,
    fmt,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    str::FromStr,
};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{Folder, List, Pair};
use crate::{Error, Result, keys::KeyHash};

/// Declares each setting: what it is, its name, its type, and what it is if nothing is said. A text
/// behind the name is what the flag means without a value.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident $(($bare:literal))?: $type:ty = $default:expr;)+) => {
        /// The flags of `kinora serve`, and what its file and its environment may hold.
        #[derive(Args, Clone, Debug, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct ServeArgs {
            /// Read settings from this TOML file [default: kinora/serve.toml in the user's configuration, if it is there]
            #[arg(long, value_name = "FILE")]
            #[serde(skip)]
            pub config: Option<PathBuf>,

            /// Show all settings as they would be in the file, and do nothing else
            #[arg(long)]
            #[serde(skip)]
            pub print_config: bool,

            /// Make an API key of this name, show it once, keep its hash in the data folder, and do nothing else
            #[arg(long, value_name = "NAME")]
            #[serde(skip)]
            pub new_key: Option<String>,
            $(
                $(#[doc = $doc])+
                #[arg(long, help = help(concat!($($doc),+), &Settings::default().$name))]
                $(#[arg(num_args = 0..=1, require_equals = true, default_missing_value = $bare)])?
                pub $name: Option<$type>,
            )+
        }

        /// Every setting, as it is.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Settings {
            /// With what else is said.
            pub(super) fn with(self, args: ServeArgs) -> Self {
                Self { $($name: args.$name.unwrap_or(self.$name),)+ }
            }

            /// The file that says the same.
            ///
            /// # Errors
            /// A path that is not Unicode.
            pub fn to_toml(&self) -> Result<String> {
                let mut text = String::new();
                $({
                    text += &comment(concat!($($doc, "\n"),+));
                    text += &line(stringify!($name), &self.$name)?;
                })+
                Ok(text)
            }
        }

        impl ServeArgs {
            /// What the environment says.
            pub(super) fn of_environment(environment: &dyn Fn(&str) -> Option<OsString>) -> Result<Self> {
                Ok(Self { $($name: from_environment(stringify!($name), environment)?,)+ ..Self::default() })
            }
        }
    };
}

settings! {
    /// Address to listen on. One that other machines reach needs API keys
    host: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    /// Port to listen on; 0 for any that is free
    port: u16 = 8000;
    /// Folder of the jobs and their files, which may grow to --quota-mib; nothing for kinora/serve in the user's data
    data: Folder = Folder::default();
    /// API keys, as NAME:HASH; --new-key makes them
    api_keys: List<KeyHash> = List::default();
    /// Serve everybody who reaches the address, without keys
    open_to_all("true"): bool = false;
    /// Names by which the server may be called where there are no keys, beside localhost and its address; a page of
    /// another site could otherwise use a browser on this machine
    allowed_hosts: List<String> = List::default();
    /// Where clients reach the server, for links in answers; nothing for what the request says
    public_url: String = String::new();

    /// Folders of the models to serve, the one that is meant where a request names none first; nothing for the engine's own
    model: List<Folder> = List::default();
    /// How exactly to compute: bf16, int8 or f32; nothing for each model's own
    precision: String = String::new();
    /// Model names of clients and what they mean here; nothing behind the = means the default model
    aliases: List<Pair> = sora();
    /// The model that is meant if none is named; nothing for the engine's own choice
    default_model: String = String::new();
    /// Length of a video in seconds if none is asked for
    default_seconds: f64 = 4.0;
    /// Refuse what cannot be made exactly as asked, in place of making it as near as can be
    strict("true"): bool = false;

    /// Sign what is made with content credentials (C2PA)
    credentials("true"): bool = true;
    /// Certificates to sign with, as PEM, that of the key first; nothing for a self-made one, which is kept in the data folder
    certificate: String = String::new();
    /// The certificate's private key, as PKCS #8 in PEM
    private_key: String = String::new();
    /// Write into a corner of what is made that a model made it
    mark("true"): bool = false;

    /// Jobs that may wait; more are refused with 429
    queue_length: u64 = 64;
    /// Jobs of one key that may wait or be worked on, where there are keys
    jobs_per_key: u64 = 32;
    /// Jobs that are worked on at the same time
    runners: u64 = 1;
    /// How long a short job waits behind a long one, as a share of what the long one takes; then it is made in between
    short_share: f64 = 0.25;
    /// Hours that a video is kept, from 0 (for ever)
    retention_hours: u64 = 168;
    /// The disk space of all jobs and characters
    quota_mib: u64 = 20_480;
    /// Disk space that is left free for what was accepted: with less of it nothing more is accepted
    spare_mib: u64 = 256;
    /// Seconds in which a request without a key for it, equal to the one before it, is taken for the same one, sent again as
    /// its answer was lost; 0 for never. Clients that say that they try again are believed for 15 minutes
    repeat_seconds: u64 = 120;
    /// How often a job may bring the program down, without getting further, before it is given up
    max_crashes: u64 = 8;

    /// NATS with JetStream, as nats://HOST:4222, for workers on any number of machines (`kinora worker`), which then do
    /// the work in place of this program; with USER:PASSWORD@ or TOKEN@ before the host where that is asked for, and
    /// several with commas between. Nothing for this machine alone
    queue: String = String::new();
    /// Copies that NATS keeps of everything, from 1 to 5: it takes as many NATS servers
    queue_replicas: u64 = 1;
    /// Seconds without a sign of life from a worker until its job goes to another
    queue_silence_seconds: u64 = 30;

    /// The longest request, files included
    max_body_mib: u64 = 128;
    /// Frames of the longest video, made or uploaded
    max_frames: u64 = 14_400;
    /// Pixels of the largest frame, made or uploaded
    max_pixels: u64 = 8_294_400;
    /// The most memory that an uploaded video or picture may take when it is decoded
    max_decoded_mib: u64 = 2048;
    /// Characters in one video
    max_characters: u64 = 2;
    /// Fetch pictures from the web where a request names them (data: URLs are always read)
    fetch_images("true"): bool = false;
    /// Let webhooks lead to this machine and its network, and without TLS
    private_webhooks("true"): bool = false;

    /// Connections at the same time
    connections: u64 = 512;
    /// Connections of one address at the same time, but for this machine's own; 0 for as many as there are
    connections_per_address: u64 = 128;
    /// Seconds in which a client must have sent the head of its request
    header_seconds: u64 = 30;
    /// Seconds in which a client must have sent all of its request
    body_seconds: u64 = 600;
    /// Seconds for which a client may take nothing of its answer
    answer_seconds: u64 = 60;
    /// How to write what happens to standard error
    log: LogForm = LogForm::Text;
}

/// The names of OpenAI's models.
fn sora() -> List<Pair> {
    let names = ["sora-2", "sora-2-pro", "sora-2-2025-10-06", "sora-2-pro-2025-10-06", "sora-2-2025-12-08"];
    List(names.map(|name| Pair::new(name, "")).to_vec())
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogForm {
    /// A line of words.
    #[default]
    Text,
    /// A line of JSON.
    Json,
    /// Not at all.
    Off,
}

impl fmt::Display for LogForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Off => "off",
        })
    }
}

impl FromStr for LogForm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ValueEnum::from_str(text, false).map_err(|_| "text, json or off".to_owned())
    }
}

/// What the command line says of a setting.
fn help(doc: &str, default: &impl fmt::Display) -> String {
    let default = default.to_string();
    match default.as_str() {
        "" | "false" => doc.trim().to_owned(),
        _ => format!("{} [default: {default}]", doc.trim()),
    }
}

/// What the file says of a setting.
fn comment(doc: &str) -> String {
    doc.lines().map(|line| format!("\n#{line}")).collect::<String>() + "\n"
}

fn line(name: &str, value: &impl Serialize) -> Result<String> {
    let table = std::collections::BTreeMap::from([(name, value)]);
    toml::to_string(&table).map_err(|error| Error::Setting {
        name: name.to_owned(),
        expected: "what a TOML file can hold".to_owned(),
        found: error.to_string(),
    })
}

/// What the environment says of a setting.
fn from_environment<T: FromStr<Err: fmt::Display>>(
    name: &str,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<T>> {
    let variable = format!("KINORA_{}", name.to_uppercase());
    let Some(text) = environment(&variable) else { return Ok(None) };
    let text = text.to_string_lossy();
    text.parse().map(Some).map_err(|expected: T::Err| Error::Setting {
        name: variable,
        expected: expected.to_string(),
        found: text.into_owned(),
    })
}
