//! Every setting, named once: the flag `--short-share`, the variable `KINORA_SHORT_SHARE` and `short_share` in the file are
//! the same. A flag is stronger than a variable, and that stronger than the file.

mod list;
mod settings;

use std::{
    env,
    ffi::OsString,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

pub use list::{Folder, List, Pair};
pub use settings::{LogForm, ServeArgs, Settings};

use crate::{Error, Result, nats};

/// Bytes of the longest configuration file.
const MAX_FILE_BYTES: u64 = 1 << 20;

impl Settings {
    /// What the flags, the environment and the file say together.
    ///
    /// # Errors
    /// A file that cannot be read, a setting that is not known, or a value that cannot be.
    pub fn load(args: &ServeArgs) -> Result<Self> {
        Self::load_with(args, &|name| env::var_os(name))
    }

    /// The same in another environment.
    fn load_with(args: &ServeArgs, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<Self> {
        let named = args.config.clone().or_else(|| environment("KINORA_CONFIG").map(PathBuf::from));
        let path = named.clone().unwrap_or_else(|| config_folder(environment).join("serve.toml"));
        // The usual place may be empty; one that was named may not.
        let file = match named.is_some() || path.exists() {
            true => read_file(&path)?,
            false => ServeArgs::default(),
        };
        let mut settings = Self::default();
        if settings.data.as_os_str().is_empty() {
            settings.data = Folder(data_folder(environment));
        }
        let settings = settings.with(file).with(ServeArgs::of_environment(environment)?).with(args.clone());
        settings.check()?;
        Ok(settings)
    }

    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// What no value alone can tell.
    fn check(&self) -> Result<()> {
        let refuse = |name: &str, expected: &str, found: String| {
            Err(Error::Setting { name: name.to_owned(), expected: expected.to_owned(), found })
        };
        if !(self.short_share > 0.0 && self.short_share <= 1.0) {
            return refuse("short_share", "more than 0 and at most 1", self.short_share.to_string());
        }
        if !(self.default_seconds > 0.0 && self.default_seconds.is_finite()) {
            return refuse("default_seconds", "more than 0", self.default_seconds.to_string());
        }
        for (name, value, other) in [
            ("certificate", &self.certificate, &self.private_key),
            ("private_key", &self.private_key, &self.certificate),
        ] {
            if value.is_empty() && !other.is_empty() {
                return refuse(name, "a certificate and its private_key, or neither", "none".to_owned());
            }
        }
        for (name, value) in [
            ("queue_length", self.queue_length),
            ("jobs_per_key", self.jobs_per_key),
            ("runners", self.runners),
            ("connections", self.connections),
            ("max_frames", self.max_frames),
            ("max_pixels", self.max_pixels),
            ("max_body_mib", self.max_body_mib),
            ("max_decoded_mib", self.max_decoded_mib),
            ("quota_mib", self.quota_mib),
            ("spare_mib", self.spare_mib),
            ("header_seconds", self.header_seconds),
            ("body_seconds", self.body_seconds),
            ("answer_seconds", self.answer_seconds),
            ("max_crashes", self.max_crashes),
            ("queue_silence_seconds", self.queue_silence_seconds),
        ] {
            // So large that no product of two of them leaves the numbers.
            if value == 0 || value > 1 << 40 {
                return refuse(name, "1 or more", value.to_string());
            }
        }
        if !(1..=5).contains(&self.queue_replicas) {
            return refuse("queue_replicas", "1 to 5", self.queue_replicas.to_string());
        }
        if !self.queue.is_empty() {
            nats::check(&self.queue)?;
        }
        let twice = self
            .api_keys
            .iter()
            .enumerate()
            .find(|(index, key)| self.api_keys.iter().take(*index).any(|other| other.name == key.name));
        if let Some((_, key)) = twice {
            return refuse("api_keys", "a name only once", key.name.clone());
        }
        Ok(())
    }
}

fn read_file(path: &Path) -> Result<ServeArgs> {
    let bytes = disk::read_bounded(path, MAX_FILE_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    toml::from_str(&text).map_err(|error| Error::Setting {
        name: path.display().to_string(),
        expected: "settings, as --print-config shows them".to_owned(),
        found: error.to_string(),
    })
}

/// Of the user's configuration, as the XDG rules name it.
fn config_folder(environment: &dyn Fn(&str) -> Option<OsString>) -> PathBuf {
    xdg(environment, "XDG_CONFIG_HOME", ".config")
}

/// Of the user's data.
fn data_folder(environment: &dyn Fn(&str) -> Option<OsString>) -> PathBuf {
    xdg(environment, "XDG_DATA_HOME", ".local/share").join("serve")
}

fn xdg(environment: &dyn Fn(&str) -> Option<OsString>, variable: &str, default: &str) -> PathBuf {
    let named = environment(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || environment("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from).join(default);
    named.unwrap_or_else(home).join("kinora")
}

/// Whether only this machine reaches it.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests;
