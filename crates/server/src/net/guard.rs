//! Names become addresses here, and what is connected to is what was checked: a name that means another address a moment
//! later changes nothing. Redirects come through here too.

use std::net::{IpAddr, SocketAddr};

use axum::http::Uri;
use ureq::{
    Error,
    config::Config,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use super::address::is_public;

/// Which addresses may be reached.
#[derive(Debug)]
pub enum Guard {
    /// All.
    Open,
    /// Those on the internet.
    PublicOnly,
    /// Those on the internet and one other.
    #[cfg(test)]
    PublicAnd(SocketAddr),
}

impl Guard {
    fn permits(&self, address: &SocketAddr) -> bool {
        match self {
            Self::Open => true,
            Self::PublicOnly => is_public(address.ip()),
            #[cfg(test)]
            Self::PublicAnd(other) => address == other || is_public(address.ip()),
        }
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        // One address within is enough to refuse the name: it is either a mistake or an attack.
        match found.iter().find(|address| !self.permits(address)) {
            None => Ok(found),
            Some(address) => Err(Error::Io(std::io::Error::other(format!(
                "{} is at {}, which is not on the internet",
                uri.host().unwrap_or_default(),
                address.ip()
            )))),
        }
    }
}

/// The address that a URL names outright.
pub fn literal_address(url: &str) -> Option<IpAddr> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?;
    if host.eq_ignore_ascii_case("localhost") {
        return Some(IpAddr::from([127, 0, 0, 1]));
    }
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
