//! Who signs, and who is believed: the same for `kinora serve`, `kinora sign` and `kinora verify`.

use std::path::Path;

use anyhow::Result;
use credentials::{Anchors, Identity};
use server::{ServeArgs, Settings};

/// Who signs by the server's settings: the certificate that they name, or a self-made one in the data folder.
pub fn identity(settings: &Settings) -> Result<Identity> {
    let Settings { data, certificate, private_key, .. } = settings;
    Ok(match certificate.is_empty() {
        true => Identity::self_made(data)?,
        false => Identity::load(Path::new(certificate), Path::new(private_key))?,
    })
}

/// The settings of a server that is started without flags.
pub fn settings() -> Result<Settings> {
    Ok(Settings::load(&ServeArgs::default())?)
}

/// Believes what is signed by these settings.
pub fn trust(settings: &Settings, anchors: &mut Anchors) -> Result<()> {
    if !settings.certificate.is_empty() {
        anchors.add(Path::new(&settings.certificate))?;
    }
    // Also where another certificate is used by now. Nothing may have been signed yet.
    let self_made = settings.data.join(Identity::PUBLIC);
    if self_made.is_file() {
        anchors.add(&self_made)?;
    }
    Ok(())
}
