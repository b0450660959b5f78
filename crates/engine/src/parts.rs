//! Parts of a model that are in memory only while they are needed.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::Result;

/// A part of a model that can be loaded again.
pub(crate) struct Part<M> {
    loaded: Mutex<Option<Arc<M>>>,
    /// Whether it is kept once it has been loaded.
    stays: AtomicBool,
    load: Box<dyn Fn() -> Result<M> + Send + Sync>,
}

impl<M> Part<M> {
    /// A part that `load` reads when it is needed, and that nobody keeps.
    pub fn when_needed(load: impl Fn() -> Result<M> + Send + Sync + 'static) -> Self {
        Self { loaded: Mutex::new(None), stays: AtomicBool::new(false), load: Box::new(load) }
    }

    /// The part: the one that is kept, or one that is loaded now.
    pub fn get(&self) -> Result<Arc<M>> {
        let mut slot = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = &*slot {
            return Ok(part.clone());
        }
        if self.stays.load(Ordering::Relaxed) {
            return Ok(slot.insert(Arc::new((self.load)()?)).clone());
        }
        drop(slot);
        Ok(Arc::new((self.load)()?))
    }

    /// Keeps the part from the first time on that it is needed.
    pub fn keep_once_needed(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }

    /// Loads the part, if that was not done before, and keeps it from now on.
    pub fn keep(&self) -> Result<()> {
        let mut slot = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            *slot = Some(Arc::new((self.load)()?));
        }
        Ok(())
    }
}

impl<M> fmt::Debug for Part<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn what_is_not_kept_is_loaded_each_time() {
        let loads = Arc::new(AtomicUsize::new(0));
        let counter = loads.clone();
        let part = Part::when_needed(move || Ok(counter.fetch_add(1, Ordering::SeqCst)));
        let got = || *part.get().unwrap();
        assert_eq!([got(), got()], [0, 1]);
        part.keep().unwrap();
        part.keep().unwrap();
        assert_eq!([got(), got()], [2, 2]);
        assert_eq!(loads.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn what_is_kept_once_needed_is_loaded_once() {
        let loads = Arc::new(AtomicUsize::new(0));
        let counter = loads.clone();
        let part = Part::when_needed(move || Ok(counter.fetch_add(1, Ordering::SeqCst)));
        part.keep_once_needed();
        assert_eq!(loads.load(Ordering::SeqCst), 0);
        assert_eq!((*part.get().unwrap(), *part.get().unwrap()), (0, 0));
    }
}
