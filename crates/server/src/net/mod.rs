//! Requests that the server itself makes: to webhooks, and for pictures that a request names. None of them reaches this
//! machine or its network, unless that is allowed.

mod address;
mod guard;

use std::time::Duration;

use ureq::{Agent, unversioned::transport::DefaultConnector};

use guard::Guard;

/// For all of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Redirects of a picture that are followed.
const REDIRECTS: u32 = 5;

/// What goes out.
#[derive(Debug)]
pub struct Net {
    pictures: Agent,
    webhooks: Agent,
    are_webhooks_private: bool,
}

impl Net {
    /// `are_webhooks_private`: whether webhooks may lead to this machine and its network.
    pub fn new(are_webhooks_private: bool) -> Self {
        let hooks = if are_webhooks_private { Guard::Open } else { Guard::PublicOnly };
        Self {
            pictures: agent(Guard::PublicOnly, REDIRECTS),
            webhooks: agent(hooks, 0),
            are_webhooks_private,
        }
    }

    /// What is at a URL, at most `most` bytes of it.
    ///
    /// # Errors
    /// Why it is not to be had, for the user.
    pub fn get(&self, url: &str, most: u64) -> Result<Vec<u8>, String> {
        check_url(url, true)?;
        let mut answer = self.pictures.get(url).call().map_err(|error| error.to_string())?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("it answered {status}"));
        }
        answer.body_mut().with_config().limit(most).read_to_vec().map_err(|error| error.to_string())
    }

    /// Sends a body. The status of the answer, which is not read.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn post(&self, url: &str, headers: &[(&str, String)], body: &str) -> Result<u16, String> {
        self.check_webhook(url)?;
        let request = headers
            .iter()
            .fold(self.webhooks.post(url), |request, (name, value)| request.header(*name, value));
        request.send(body).map(|answer| answer.status().as_u16()).map_err(|error| error.to_string())
    }

    /// Whether a webhook may be there, as far as its URL tells.
    ///
    /// # Errors
    /// What is expected of it.
    pub fn check_webhook(&self, url: &str) -> Result<(), String> {
        check_url(url, self.are_webhooks_private)?;
        match guard::literal_address(url) {
            Some(address) if !self.are_webhooks_private && !address::is_public(address) => {
                Err(format!("expected an address on the internet, found {address}"))
            }
            _ => Ok(()),
        }
    }
}

fn agent(guard: Guard, redirects: u32) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(redirects)
        .max_redirects_will_error(redirects > 0)
        .http_status_as_error(false)
        // A proxy would connect for us, where nobody checks the address.
        .proxy(None)
        .user_agent("kinora")
        .build();
    Agent::with_parts(config, DefaultConnector::default(), guard)
}

fn check_url(url: &str, is_plain_allowed: bool) -> Result<(), String> {
    let is_secure = url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let is_plain = url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let is_uri =
        url.parse::<axum::http::Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()));
    match is_uri && (is_secure || is_plain && is_plain_allowed) {
        true => Ok(()),
        false if is_plain_allowed => Err("expected a URL that begins with https:// or http://".to_owned()),
        false => Err("expected a URL that begins with https://".to_owned()),
    }
}

#[cfg(test)]
mod tests;
