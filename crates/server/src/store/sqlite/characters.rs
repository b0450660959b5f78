//! Characters in SQLite.

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::Records;
use crate::{keys::Owner, store::Result};

/// Somebody who can be in videos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Character {
    /// Its name for programs.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// Its name in prompts.
    pub name: String,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Of its clip.
    pub bytes: u64,
    /// What the engine said of it.
    pub seen: Value,
}

impl Records {
    /// Keeps a character.
    ///
    /// # Errors
    /// A record that cannot be written.
    pub fn add_character(&self, character: &Character) -> Result<()> {
        let Character { id, owner, name, created_at, bytes, seen } = character;
        self.lock().execute(
            "INSERT INTO characters (id, owner, name, created_at, bytes, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![id, owner, name, created_at, bytes, seen.to_string()],
        )?;
        Ok(())
    }

    /// The names of all characters for programs.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn character_names(&self) -> Result<Vec<String>> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT id FROM characters")?;
        let names = query.query_map([], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }

    /// A character of an owner.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn character(&self, owner: &Owner, id: &str) -> Result<Option<Character>> {
        let query =
            "SELECT id, owner, name, created_at, bytes, seen FROM characters WHERE id = ?1 AND owner = ?2";
        let character = |row: &rusqlite::Row<'_>| {
            let seen: String = row.get(5)?;
            Ok(Character {
                id: row.get(0)?,
                owner: row.get(1)?,
                name: row.get(2)?,
                created_at: row.get(3)?,
                bytes: row.get(4)?,
                seen: serde_json::from_str(&seen).unwrap_or_default(),
            })
        };
        Ok(self.lock().query_row(query, params![id, owner], character).optional()?)
    }

    /// Forgets a character of an owner; whether there was one.
    ///
    /// # Errors
    /// A record that cannot be written.
    pub fn remove_character(&self, owner: &Owner, id: &str) -> Result<bool> {
        let query = "DELETE FROM characters WHERE id = ?1 AND owner = ?2";
        Ok(self.lock().execute(query, params![id, owner])? > 0)
    }
}
