//! Jobs from their request to their end.

mod intake;
mod live;
mod making;
mod pictures;
mod queue;
mod runner;
mod watch;

pub use intake::{Given, GivenFile, Order, accept, has_room};
pub use live::{Live, Moment, News};
pub use making::Making;
pub use runner::{Runners, count};

use std::io;

use serde_json::json;

use crate::{
    app::App,
    clock,
    keys::Owner,
    store::{self, Removed},
};

/// Removes what has expired, from the record first.
///
/// # Errors
/// A record that cannot be read or written.
pub fn sweep(app: &App) -> store::Result<()> {
    for id in app.jobs.expire(clock::now())? {
        let removed = app.folder.job(&id).remove();
        report(app, &id, removed);
    }
    Ok(())
}

/// Removes a job of an owner that has ended, from the record first.
///
/// # Errors
/// A record that cannot be read or written.
pub fn remove(app: &App, owner: &Owner, id: &str) -> store::Result<Removed> {
    let removed = app.jobs.remove(owner, id)?;
    if removed == Removed::Gone {
        report(app, id, app.folder.job(id).remove());
    }
    Ok(removed)
}

/// A folder that could not be removed is tried again at the next start.
pub fn report(app: &App, id: &str, removed: io::Result<()>) {
    if let Err(error) = removed {
        app.journal.event("folder_error", json!({ "job": id, "error": error.to_string() }));
    }
}
