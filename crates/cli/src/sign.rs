//! `kinora sign`

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use credentials::Identity;

use crate::{failure::usage, signing};

#[derive(Args)]
pub struct SignArgs {
    /// An MP4 or PNG that this program made
    file: PathBuf,

    /// Where to write the signed file [default: in place of the file]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Certificates to sign with, as PEM, that of the key first [default: a self-made one, as `kinora serve` has it]
    #[arg(long, value_name = "PEM", requires = "private_key")]
    certificate: Option<PathBuf>,

    /// The certificate's private key, as PKCS #8 in PEM
    #[arg(long, value_name = "PEM", requires = "certificate")]
    private_key: Option<PathBuf>,
}

pub fn run(SignArgs { file, output, certificate, private_key }: &SignArgs) -> Result<()> {
    let record = engine::summary(file)?.provenance.unwrap_or_default();
    let created = file.metadata().and_then(|metadata| metadata.modified());
    let created = created.with_context(|| format!("cannot read {}", file.display()))?;
    // What others made is not signed as made by a model here.
    let Some(claim) = signing::claim(&record, created) else {
        return Err(usage(format!(
            "{}: expected a file with the record of how kinora made it, found none; sign the file as it was made",
            file.display()
        )));
    };
    let identity = match (certificate, private_key) {
        (Some(certificate), Some(private_key)) => Identity::load(certificate, private_key)?,
        _ => signing::identity(&signing::settings()?)?,
    };
    Ok(credentials::sign(file, output.as_ref().unwrap_or(file), &identity, &claim)?)
}
