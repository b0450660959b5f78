//! Webhook endpoints and what is still to be delivered to them, in SQLite.

use rusqlite::{Row, Transaction, params};
use serde_json::json;

use super::{Records, part::Listed};
use crate::{
    clock,
    hooks::Event,
    keys::Owner,
    store::{Cut, Page, Result},
};

/// Where events are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name for programs.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// Its name for people.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What it is told.
    pub event_types: Vec<String>,
    /// What its messages are signed with: `whsec_` and base64.
    pub secret: String,
    /// The secret before that, and until when it counts, in seconds since 1970.
    pub old_secret: Option<(String, i64)>,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970.
    pub updated_at: i64,
}

/// What changes of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointChange {
    /// Its name for people.
    pub name: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// What it is told.
    pub event_types: Option<Vec<String>>,
    /// A new secret, and for how many seconds the old one still counts.
    pub secret: Option<(String, i64)>,
}

/// Something to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its number.
    pub seq: i64,
    /// The event's name, the same each time that it is tried.
    pub event: String,
    /// The body, to the byte the same each time.
    pub body: String,
    /// How often it was tried.
    pub tries: u32,
    /// Where it goes.
    pub endpoint: Endpoint,
}

const COLUMNS: &str =
    "id, owner, name, url, event_types, secret, old_secret, old_secret_until, created_at, updated_at";

impl Records {
    /// Keeps an endpoint.
    ///
    /// # Errors
    /// As all of these: a record that cannot be read or written.
    pub fn add_endpoint(&self, endpoint: &Endpoint) -> Result<()> {
        let Endpoint { id, owner, name, url, event_types, secret, created_at, .. } = endpoint;
        self.lock().execute(
            "INSERT INTO endpoints (id, owner, name, url, event_types, secret, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
            params![id, owner, name, url, serde_json::to_string(event_types)?, secret, created_at],
        )?;
        Ok(())
    }

    /// An endpoint of an owner.
    ///
    /// # Errors
    /// As all of these.
    pub fn endpoint(&self, owner: &Owner, id: &str) -> Result<Option<Endpoint>> {
        let query = format!("SELECT {COLUMNS} FROM endpoints WHERE id = ?1 AND owner = ?2");
        let connection = self.lock();
        let mut query = connection.prepare_cached(&query)?;
        let endpoint = query.query_and_then(params![id, owner], endpoint_of)?.next();
        endpoint.transpose()
    }

    /// The endpoints of an owner, the newest first. `None` if there is none that it begins behind.
    ///
    /// # Errors
    /// As all of these.
    pub fn endpoints(&self, owner: &Owner, cut: &Cut) -> Result<Option<Page<Endpoint>>> {
        let listed = Listed { table: "endpoints", columns: COLUMNS, filter: "TRUE", read: endpoint_of };
        self.part(&listed, owner, cut)
    }

    /// Changes an endpoint; `None` if there is none.
    ///
    /// # Errors
    /// As all of these.
    pub fn change_endpoint(
        &self,
        owner: &Owner,
        id: &str,
        change: EndpointChange,
    ) -> Result<Option<Endpoint>> {
        let Some(before) = self.endpoint(owner, id)? else { return Ok(None) };
        let now = clock::now();
        let EndpointChange { name, url, event_types, secret } = change;
        let (secret, old_secret) = match secret {
            Some((secret, seconds)) if seconds > 0 => (secret, Some((before.secret.clone(), now + seconds))),
            Some((secret, _)) => (secret, None),
            None => (before.secret.clone(), before.old_secret.clone()),
        };
        let changed = Endpoint {
            name: name.unwrap_or_else(|| before.name.clone()),
            url: url.unwrap_or_else(|| before.url.clone()),
            event_types: event_types.unwrap_or_else(|| before.event_types.clone()),
            secret,
            old_secret,
            ..before.clone()
        };
        if changed == before {
            return Ok(Some(before));
        }
        let changed = Endpoint { updated_at: now, ..changed };
        let (old, until) = changed.old_secret.clone().unzip();
        self.lock().execute(
            "UPDATE endpoints SET name = ?2, url = ?3, event_types = ?4, secret = ?5, old_secret = ?6, \
             old_secret_until = ?7, updated_at = ?8 WHERE id = ?1",
            params![
                id,
                changed.name,
                changed.url,
                serde_json::to_string(&changed.event_types)?,
                changed.secret,
                old,
                until,
                now
            ],
        )?;
        Ok(Some(changed))
    }

    /// Removes an endpoint and what was still to be sent to it. Whether there was one.
    ///
    /// # Errors
    /// As all of these.
    pub fn remove_endpoint(&self, owner: &Owner, id: &str) -> Result<bool> {
        let removed =
            self.lock().execute("DELETE FROM endpoints WHERE id = ?1 AND owner = ?2", params![id, owner])?;
        Ok(removed > 0)
    }

    /// Puts an event into the way to each endpoint that wants to know of it, once however often this is asked for.
    ///
    /// # Errors
    /// As all of these.
    pub fn announce(&self, owner: &Owner, event: Event, named: (&str, i64), video: &str) -> Result<()> {
        self.change(|change| announce(change, owner, event, named, video))
    }

    /// What is to be sent now, at most `limit` of it, one for each endpoint.
    ///
    /// # Errors
    /// As all of these.
    pub fn due(&self, limit: u32) -> Result<Vec<Delivery>> {
        let columns = COLUMNS.split(", ").map(|column| format!(", e.{column}")).collect::<String>();
        // The other columns are those of the row that has the least.
        let query = format!(
            "SELECT d.seq, d.event, d.body, d.tries{columns}, min(d.next_at) AS at FROM deliveries d \
             JOIN endpoints e ON e.id = d.endpoint WHERE d.next_at <= ?1 GROUP BY d.endpoint ORDER BY at LIMIT ?2"
        );
        let delivery = |row: &Row<'_>| -> Result<Delivery> {
            Ok(Delivery {
                seq: row.get(0)?,
                event: row.get(1)?,
                body: row.get(2)?,
                tries: row.get(3)?,
                endpoint: endpoint_from(row, 4)?,
            })
        };
        self.lock()
            .prepare_cached(&query)?
            .query_and_then(params![clock::now_ms(), limit], delivery)?
            .collect()
    }

    /// It arrived, or will never.
    ///
    /// # Errors
    /// As all of these.
    pub fn delivered(&self, seq: i64) -> Result<()> {
        self.lock().execute("DELETE FROM deliveries WHERE seq = ?1", [seq])?;
        Ok(())
    }

    /// It did not arrive: to be tried again in so many thousandths of a second.
    ///
    /// # Errors
    /// As all of these.
    pub fn try_again(&self, seq: i64, wait_ms: i64) -> Result<()> {
        let update = "UPDATE deliveries SET tries = tries + 1, next_at = ?2 WHERE seq = ?1";
        self.lock().execute(update, params![seq, clock::now_ms() + wait_ms])?;
        Ok(())
    }

    /// When something is to be sent next, in thousandths of a second since 1970.
    ///
    /// # Errors
    /// As all of these.
    pub fn next_delivery(&self) -> Result<Option<i64>> {
        Ok(self.lock().query_row("SELECT min(next_at) FROM deliveries", [], |row| row.get(0))?)
    }
}

/// Puts the event of a video, of this name and time, into the way to each endpoint that wants to know of it, if it is not
/// there already.
pub(super) fn announce(
    change: &Transaction<'_>,
    owner: &Owner,
    event: Event,
    (id, at): (&str, i64),
    video: &str,
) -> Result<()> {
    let query = format!("SELECT {COLUMNS} FROM endpoints WHERE owner = ?1");
    let endpoints =
        change.prepare_cached(&query)?.query_and_then([owner], endpoint_of)?.collect::<Result<Vec<_>>>()?;
    let body = event_body(id, event, at, video);
    for endpoint in
        endpoints.iter().filter(|endpoint| endpoint.event_types.iter().any(|name| name == event.name()))
    {
        let insert = "INSERT INTO deliveries (endpoint, event, body, next_at) SELECT ?1, ?2, ?3, ?4 \
                      WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE endpoint = ?1 AND event = ?2)";
        change.prepare_cached(insert)?.execute(params![endpoint.id, id, body, clock::now_ms()])?;
    }
    Ok(())
}

/// What an endpoint is sent.
pub(crate) fn event_body(id: &str, event: Event, at: i64, video: &str) -> String {
    let data = json!({ "id": video });
    json!({ "id": id, "object": "event", "created_at": at, "type": event.name(), "data": data }).to_string()
}

fn endpoint_of(row: &Row<'_>) -> Result<Endpoint> {
    endpoint_from(row, 0)
}

/// Of the columns in their order, from one on.
fn endpoint_from(row: &Row<'_>, first: usize) -> Result<Endpoint> {
    let event_types: String = row.get(first + 4)?;
    let old: Option<String> = row.get(first + 6)?;
    let until: Option<i64> = row.get(first + 7)?;
    Ok(Endpoint {
        id: row.get(first)?,
        owner: row.get(first + 1)?,
        name: row.get(first + 2)?,
        url: row.get(first + 3)?,
        event_types: serde_json::from_str(&event_types)?,
        secret: row.get(first + 5)?,
        old_secret: old.zip(until),
        created_at: row.get(first + 8)?,
        updated_at: row.get(first + 9)?,
    })
}
