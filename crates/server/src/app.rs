//! What all parts of the server have in common.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use serde_json::Value;
use tokio::sync::Semaphore;

use crate::{
    bell::Bell,
    config::Settings,
    folder::DataFolder,
    jobs::Live,
    journal::Journal,
    keys::KeyHash,
    maker::{Kind, Maker, ModelCard, Refusal},
    metrics::Metrics,
    net::Net,
    problem::Problem,
    store::{Jobs, Records},
};

/// The server, but for its sockets and threads.
pub struct App {
    /// As they were at the start.
    pub settings: Settings,
    /// Who may come in; nobody is asked if there are none.
    pub keys: Vec<KeyHash>,
    /// The engine.
    pub maker: Arc<dyn Maker>,
    /// The record of jobs.
    pub jobs: Arc<dyn Jobs>,
    /// The record of the rest.
    pub records: Arc<Records>,
    /// Files.
    pub folder: Arc<DataFolder>,
    /// Jobs that are worked on.
    pub live: Live,
    /// What goes out.
    pub net: Net,
    /// What happens.
    pub journal: Journal,
    /// What is counted.
    pub metrics: Metrics,
    /// Rung when a job has come.
    pub job_bell: Bell,
    /// Rung when an event has come.
    pub hook_bell: Bell,
    /// Whether it goes on.
    pub phase: Phase,
    /// What links in answers are signed with.
    pub link_secret: [u8; 32],
    /// Bytes of bodies that are in memory at the same time, in units of [`BODY_UNIT`].
    pub body_budget: Arc<Semaphore>,
    /// Held while a file of a user is looked at, which takes memory: one at a time.
    pub eye: Mutex<()>,
}

/// Bytes.
pub const BODY_UNIT: usize = 64 << 10;

impl App {
    /// Asks the record or the disk, on a thread where that may take its time.
    ///
    /// # Errors
    /// What `work` fails with, or that it panicked.
    pub async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let app = self.clone();
        match tokio::task::spawn_blocking(move || work(&app)).await {
            Ok(result) => result,
            Err(_) => Err(Problem::internal("the request could not be worked on")),
        }
    }

    /// What the engine says of a character's clip.
    ///
    /// # Errors
    /// A clip from which nobody can be taken.
    pub fn met(&self, clip: &Path) -> Result<Value, Problem> {
        let _eye = self.eye.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.ask("clip", |maker| maker.meet(clip))?)
    }

    /// What the engine answers about something; where it panics, that it failed on it.
    ///
    /// # Errors
    /// What it refuses.
    pub fn ask<T>(
        &self,
        about: &str,
        question: impl FnOnce(&dyn Maker) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        catch_unwind(AssertUnwindSafe(|| question(&*self.maker))).unwrap_or_else(|_| {
            Err(Refusal::new(Kind::Internal, format!("The engine failed on this {about}.")))
        })
    }

    /// The models, the one that is meant if none is named first.
    pub fn models(&self) -> Vec<ModelCard> {
        let mut models = self.maker.models();
        let default = self.settings.default_model.as_str();
        if let Some(index) = models.iter().position(|model| model.id == default) {
            models[..=index].rotate_right(1);
        }
        models
    }

    /// The model that a name means; the default one's if there is no name.
    ///
    /// # Errors
    /// A name that means none.
    pub fn model(&self, name: Option<&str>) -> Result<ModelCard, Problem> {
        let mut models = self.models();
        let alias = self.settings.aliases.iter().find(|alias| Some(alias.name.as_str()) == name);
        let index = match (name, alias) {
            // An alias never hides a model.
            (Some(name), _) if models.iter().any(|model| model.id == name) => {
                models.iter().position(|model| model.id == name)
            }
            (_, Some(alias)) if !alias.means.is_empty() => {
                models.iter().position(|model| model.id == alias.means)
            }
            (None, _) | (_, Some(_)) => (!models.is_empty()).then_some(0),
            (Some(_), None) => None,
        };
        match index {
            Some(index) => Ok(models.swap_remove(index)),
            None => {
                let served: Vec<_> = models.iter().map(|model| model.id.as_str()).collect();
                let name = name.unwrap_or_default();
                let message = format!("The model '{name}' does not exist; served are {}.", served.join(", "));
                Err(Problem::missing(message).param("model").code("model_not_found"))
            }
        }
    }
}

/// Whether the server goes on.
#[derive(Debug, Default)]
pub struct Phase(AtomicU8);

impl Phase {
    const STOPPING: u8 = 1;
    const ABANDONED: u8 = 2;

    /// Jobs go back into the queue, and no more begin.
    pub fn stop(&self) {
        self.0.fetch_max(Self::STOPPING, Ordering::SeqCst);
    }

    /// As if it were killed: nothing more is written.
    pub fn abandon(&self) {
        self.0.fetch_max(Self::ABANDONED, Ordering::SeqCst);
    }

    /// Either of these.
    pub fn is_stopping(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= Self::STOPPING
    }

    /// The latter.
    pub fn is_abandoned(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= Self::ABANDONED
    }
}
