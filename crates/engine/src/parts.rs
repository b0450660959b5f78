//! Parts of a model that are in memory only while they are needed.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Result, progress::timed};

/// A part of a model that can be loaded again.
pub(crate) struct Part<M> {
    loaded: Mutex<Option<Arc<M>>>,
    load: Box<dyn Fn() -> Result<M> + Send + Sync>,
}

impl<M> Part<M> {
    /// A part that `load` reads when it is needed, and that nobody keeps.
    pub fn when_needed(load: impl Fn() -> Result<M> + Send + Sync + 'static) -> Self {
        Self { loaded: Mutex::new(None), load: Box::new(load) }
    }

    /// The part, and the seconds that it took to load.
    pub fn get(&self) -> Result<(Arc<M>, f64)> {
        if let Some(part) = &*self.loaded.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok((part.clone(), 0.0));
        }
        let (part, seconds) = timed(|| (self.load)());
        Ok((Arc::new(part?), seconds))
    }

    /// Loads the part and keeps it from now on.
    pub fn keep(&mut self) -> Result<&mut M> {
        let slot = self.loaded.get_mut().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            *slot = Some(Arc::new((self.load)()?));
        }
        let part = slot.as_mut().and_then(Arc::get_mut);
        Ok(part.expect("nobody else has what is borrowed alone"))
    }
}

impl<M> fmt::Debug for Part<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn what_is_not_kept_is_loaded_each_time() {
        let loads = Arc::new(AtomicUsize::new(0));
        let counter = loads.clone();
        let mut part = Part::when_needed(move || Ok(counter.fetch_add(1, Ordering::SeqCst)));
        assert_eq!([part.get().unwrap().0, part.get().unwrap().0], [0.into(), 1.into()]);
        *part.keep().unwrap() = 7;
        assert_eq!([part.get().unwrap().0, part.get().unwrap().0], [7.into(), 7.into()]);
        assert_eq!(loads.load(Ordering::SeqCst), 3);
    }
}
