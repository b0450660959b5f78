//! Signatures of messages, after Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{random, store::Endpoint};

/// Of secrets, as they are written.
const PREFIX: &str = "whsec_";

/// A secret that nobody has.
pub fn new_secret() -> String {
    format!("{PREFIX}{}", BASE64_STANDARD.encode(random::bytes::<32>()))
}

/// What may be shown of a secret.
pub fn secret_hint(secret: &str) -> String {
    let end = secret.len().saturating_sub(4);
    format!("{PREFIX}…{}", secret.get(end..).unwrap_or_default())
}

/// The value of `webhook-signature`: one signature for each secret that counts now.
pub fn signatures(endpoint: &Endpoint, event: &str, timestamp: i64, body: &str) -> String {
    let old = endpoint.old_secret.as_ref().filter(|(_, until)| timestamp < *until);
    let secrets = [Some(&endpoint.secret), old.map(|(secret, _)| secret)];
    let signatures: Vec<_> =
        secrets.into_iter().flatten().map(|secret| signature(secret, event, timestamp, body)).collect();
    signatures.join(" ")
}

fn signature(secret: &str, event: &str, timestamp: i64, body: &str) -> String {
    let key =
        secret.strip_prefix(PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok()).unwrap_or_default();
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    mac.update(format!("{event}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(secret: &str, old_secret: Option<(String, i64)>) -> Endpoint {
        Endpoint {
            id: String::new(),
            owner: String::new(),
            name: String::new(),
            url: String::new(),
            event_types: Vec::new(),
            secret: secret.into(),
            old_secret,
            created_at: 0,
            updated_at: 0,
        }
    }

    #[test]
    fn the_example_of_standard_webhooks_is_signed_as_there() {
        let endpoint = endpoint("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None);
        let body = r#"{"test": 2432232314}"#;
        let signed = signatures(&endpoint, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_old_secret_counts_until_its_time() {
        let endpoint = endpoint(&new_secret(), Some((new_secret(), 100)));
        assert_eq!(signatures(&endpoint, "a", 99, "b").split(' ').count(), 2);
        assert_eq!(signatures(&endpoint, "a", 100, "b").split(' ').count(), 1);
        assert!(!secret_hint(&endpoint.secret).contains(&endpoint.secret[6..20]));
    }
}
