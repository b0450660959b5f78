//! Hashes of API keys, and the secret that links in answers are signed with, in SQLite.

use rusqlite::{OptionalExtension, params};

use super::Records;
use crate::{keys::KeyHash, random, store::Result};

impl Records {
    /// Keeps the hash of a key, in place of another of that name.
    ///
    /// # Errors
    /// A record that cannot be written.
    pub fn add_key(&self, key: &KeyHash) -> Result<()> {
        let insert =
            "INSERT INTO keys (name, hash) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET hash = ?2";
        self.lock().execute(insert, params![key.name, key.to_string()])?;
        Ok(())
    }

    /// All keys.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn keys(&self) -> Result<Vec<KeyHash>> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT hash FROM keys ORDER BY name")?;
        let hashes =
            query.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        // One that cannot be read lets nobody in.
        Ok(hashes.iter().filter_map(|hash| hash.parse().ok()).collect())
    }

    /// A secret of the server's own, the same each time.
    ///
    /// # Errors
    /// A record that cannot be read or written.
    pub fn secret(&self, name: &str) -> Result<[u8; 32]> {
        self.change(|change| {
            let query = "SELECT value FROM secrets WHERE name = ?1";
            let found: Option<[u8; 32]> = change.query_row(query, [name], |row| row.get(0)).optional()?;
            if let Some(secret) = found {
                return Ok(secret);
            }
            let secret = random::bytes::<32>();
            change.execute("INSERT INTO secrets (name, value) VALUES (?1, ?2)", params![name, secret])?;
            Ok(secret)
        })
    }
}
