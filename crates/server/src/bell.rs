//! Something that threads wait for.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Rung once, it wakes one who waits, or the next who comes to wait.
#[derive(Debug, Default)]
pub struct Bell {
    is_rung: Mutex<bool>,
    wake: Condvar,
}

impl Bell {
    /// Wakes all who wait.
    pub fn ring(&self) {
        *self.is_rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_all();
    }

    /// Until it is rung, or for that long.
    pub fn wait(&self, most: Duration) {
        let is_rung = self.is_rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(is_rung, most, |is_rung| !*is_rung);
        let (mut is_rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *is_rung = false;
    }
}
