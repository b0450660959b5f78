//! What becomes of freed memory: one rule for the whole process, by all videos that it is making.
//!
//! A model allocates and frees the same large blocks over and over. Pages that went back to the system are zeroed
//! again, one by one, on their next use: a third of the time of small models. But freed pieces of many sizes lie between
//! those in use, and what is kept of them for good is half as much again: work on large tensors gives them back, as it
//! takes so long that zeroing pages is lost in it.

use std::sync::{Mutex, PoisonError};

use kernels::memory::{Freed, set_freed, set_large_pages};

/// A quarter of a gibibyte: of decoding, less is kept.
const MANY: usize = 256 << 20;
/// From here on decoding gives all of it back at once, and denoising keeps it for a moment only.
const VERY_MANY: usize = 1 << 30;

/// The videos that are being made.
static JOBS: Mutex<Vec<Running>> = Mutex::new(Vec::new());

#[derive(Clone, Copy, Debug)]
struct Running {
    id: u64,
    bytes: usize,
    is_decoding: bool,
}

/// A video in the making; until it is dropped.
#[derive(Debug)]
pub(crate) struct Job(u64);

impl Job {
    /// One that takes so many bytes besides the weights until it is decoded.
    pub fn begin(bytes: usize) -> Self {
        change(|jobs| {
            let id = jobs.last().map_or(0, |job| job.id + 1);
            jobs.push(Running { id, bytes, is_decoding: false });
            Self(id)
        })
    }

    /// Drops a part of a model whose memory goes back to the system at once, whatever is done with that of tensors.
    pub fn drop_part<P>(&self, part: P) {
        let jobs = JOBS.lock().unwrap_or_else(PoisonError::into_inner);
        set_freed(Freed::GivenBack);
        drop(part);
        apply(&jobs);
    }

    /// Its frames are decoded from now on, which takes so many bytes.
    pub fn decodes(&self, bytes: usize) {
        change(|jobs| {
            let own = jobs.iter_mut().filter(|job| job.id == self.0);
            own.for_each(|job| (job.bytes, job.is_decoding) = (bytes, true));
        });
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        change(|jobs| jobs.retain(|job| job.id != self.0));
    }
}

/// Weights that are read leave what they were read from behind, which is given back; unless videos are being made.
pub(crate) fn while_loading() {
    change(|_| ());
}

fn change<R>(change: impl FnOnce(&mut Vec<Running>) -> R) -> R {
    let mut jobs = JOBS.lock().unwrap_or_else(PoisonError::into_inner);
    let result = change(&mut jobs);
    apply(&jobs);
    result
}

fn apply(jobs: &[Running]) {
    let (freed, large_pages) = policy(jobs);
    set_freed(freed);
    set_large_pages(large_pages);
}

/// What to do with freed memory, and whether new memory may come in large pages. A denoiser runs through the same blocks
/// in every layer, and pages that come back cost it up to a tenth of its time. Of pages of two megabytes, those at the
/// ends of every tensor reach into free memory, and so take some of it again: a twentieth of the whole.
fn policy(jobs: &[Running]) -> (Freed, bool) {
    let bytes = jobs.iter().fold(0_usize, |bytes, job| bytes.saturating_add(job.bytes));
    let all_decode = jobs.iter().all(|job| job.is_decoding);
    match bytes {
        0 => (Freed::GivenBack, true),
        VERY_MANY.. if all_decode => (Freed::GivenBack, false),
        VERY_MANY.. => (Freed::KeptForAMoment, true),
        MANY.. if all_decode => (Freed::KeptForAMoment, true),
        _ => (Freed::Kept, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_videos_together_decide() {
        let job = |bytes, is_decoding| Running { id: 0, bytes, is_decoding };
        assert_eq!(policy(&[]), (Freed::GivenBack, true));
        assert_eq!(policy(&[job(MANY - 1, true)]), (Freed::Kept, true));
        assert_eq!(policy(&[job(MANY - 1, true), job(1, true)]), (Freed::KeptForAMoment, true));
        assert_eq!(policy(&[job(MANY - 1, true), job(1, false)]), (Freed::Kept, true));
        assert_eq!(policy(&[job(VERY_MANY, false)]), (Freed::KeptForAMoment, true));
        assert_eq!(policy(&[job(VERY_MANY, true)]), (Freed::GivenBack, false));
        assert_eq!(policy(&[job(VERY_MANY, true), job(1, false)]), (Freed::KeptForAMoment, true));
        assert_eq!(policy(&[job(usize::MAX, true), job(1, true)]), (Freed::GivenBack, false));
    }
}
