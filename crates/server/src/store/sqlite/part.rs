//! Parts of lists.

use rusqlite::{OptionalExtension, Row, params};

use super::Records;
use crate::{
    keys::Owner,
    store::{Cut, Page, Result},
};

/// What is listed.
pub(super) struct Listed<T> {
    pub table: &'static str,
    pub columns: &'static str,
    /// Which rows of an owner are.
    pub filter: &'static str,
    pub read: fn(&Row<'_>) -> Result<T>,
}

impl Records {
    /// A part of what somebody has; `None` if it is to begin behind what is not theirs.
    pub(super) fn part<T>(&self, listed: &Listed<T>, owner: &Owner, cut: &Cut) -> Result<Option<Page<T>>> {
        let Listed { table, columns, filter, read } = listed;
        let connection = self.lock();
        let (start, order, behind) = match cut.is_ascending {
            true => (0, "ASC", ">"),
            false => (i64::MAX, "DESC", "<"),
        };
        let edge = match &cut.after {
            None => start,
            Some(after) => {
                let query = format!("SELECT seq FROM {table} WHERE id = ?1 AND owner = ?2");
                let mut query = connection.prepare_cached(&query)?;
                let found = query.query_row(params![after, owner], |row| row.get(0)).optional()?;
                let Some(seq) = found else { return Ok(None) };
                seq
            }
        };
        let query = format!(
            "SELECT {columns} FROM {table} WHERE owner = ?1 AND {filter} AND seq {behind} ?2 ORDER BY seq {order} LIMIT ?3"
        );
        // One more, to see whether there is more.
        let limit = i64::from(cut.limit) + 1;
        let mut data = connection
            .prepare_cached(&query)?
            .query_and_then(params![owner, edge, limit], read)?
            .collect::<Result<Vec<_>>>()?;
        let has_more = data.len() > cut.limit as usize;
        data.truncate(cut.limit as usize);
        Ok(Some(Page { data, has_more }))
    }
}
