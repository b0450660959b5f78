//! What makes the videos, as the server sees it: one trait, behind which an engine stands.

mod asked;
mod card;
mod refusal;
mod resolved;
mod size;
mod work;

use std::path::Path;

use serde_json::Value;

pub use asked::{Asked, Edge, Extras, Input, Place, Region, Role, Side, Span, Task};
pub use card::{ModelCard, TaskKind, Vocabulary};
pub use refusal::{Kind, Refusal};
pub use resolved::{Estimate, Resolved};
pub use size::Size;
pub use work::{Credential, Frame, Made, Observer, Outcome, Preview, Progress, SignalKind, Validation, Work};

/// An engine. The server asks it from several threads at once, but for [`make`](Self::make), which is called by as many
/// threads as there are runners: one, if nothing else is set.
///
/// A panic in any of these fails the one request or the one job, and not the server.
pub trait Maker: Send + Sync + 'static {
    /// The models that are served, the one that is meant if none is named first.
    fn models(&self) -> Vec<ModelCard>;

    /// Checks a request before it is queued, and fills in all that it leaves open. It must not take long: the client
    /// waits for the answer.
    ///
    /// What it returns as [`Resolved::request`] is stored and handed to [`make`](Self::make), perhaps by another process and
    /// after the data folder has moved: it must hold no paths. The files are in [`Work::inputs`], in the order of
    /// [`Asked::inputs`].
    ///
    /// # Errors
    /// What cannot be served, with the parameter that says so.
    fn resolve(&self, asked: &Asked) -> Result<Resolved, Refusal>;

    /// Looks at the clip of a character once, when it comes. What it returns is kept, and is in [`Role::Character`] of each request
    /// that names the character, so that [`resolve`](Self::resolve) need not look.
    ///
    /// # Errors
    /// A clip from which nobody can be taken, for none of its models.
    fn meet(&self, _clip: &Path) -> Result<Value, Refusal> {
        Ok(Value::Null)
    }

    /// Makes one video or picture, and writes it to [`Work::output`], which must appear whole or not at all: a file that is
    /// there is taken for the finished one.
    ///
    /// It keeps in [`Work::state`] what it needs to go on after a kill, and goes on from what it finds there. It tells the
    /// observer of each step, and stops with [`Kind::Cancelled`] where that says `Break`; the same work may then be asked for
    /// again later. It hands the observer each frame that it writes, all of them each time, so that the pictures of the
    /// video can be made without decoding it.
    ///
    /// # Errors
    /// Why there is no video. All but [`Kind::Cancelled`] is the end of the job.
    fn make(&self, work: &Work<'_>, observer: &mut dyn Observer) -> Result<Made, Refusal>;

    /// What a file says of where it comes from. The file is of a user: anything.
    ///
    /// # Errors
    /// A file that cannot be read, or an engine that reads none.
    fn provenance(&self, file: &Path) -> Result<Vec<Credential>, Refusal>;

    /// Whether it can work now.
    ///
    /// # Errors
    /// What is missing, in words.
    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}
