//! What the program's allocator does with memory that is freed, and how much memory there is.

mod limit;

use std::ffi::c_long;

pub use limit::{LimitSource, MemoryLimit, limit};

/// Lets mimalloc give freed memory back to the system at once: while a model is loaded, whose f32 weights are freed
/// when they are packed.
///
/// For programs whose global allocator is mimalloc; `MIMALLOC_PURGE_DELAY` (milliseconds until memory is given back)
/// still has the last word.
pub fn give_back_freed() {
    set_purge_delay(AT_ONCE);
}

/// Lets mimalloc keep freed memory for the next allocation instead of giving it back to the system; see
/// [`give_back_freed`].
///
/// A model allocates and frees the same large blocks over and over. Pages that were given back are zeroed again, one
/// by one, on their next use: a third of the time of a training step of kinora-tiny.
pub fn keep_freed() {
    set_purge_delay(NEVER);
}

/// [`keep_freed`] for a program whose work needs `bytes` at once; where these are many, freed memory goes back to the
/// system after a tenth of a second.
///
/// Freed pieces of many sizes lie between those in use, and what is kept of them for good is half as much again. Work
/// on large tensors takes so long that zeroing their pages once more is lost in it.
pub fn keep_freed_of(bytes: usize) {
    set_purge_delay(if bytes < MANY { NEVER } else { A_MOMENT });
}

/// [`keep_freed_of`] for work on tensors so large that one of them takes longer to compute than its pages to zero, as
/// in decoding large videos: where it needs a gibibyte or more, freed memory goes back at once, and from then on new
/// memory comes in small pages.
///
/// Of the pages of two megabytes that Linux else hands out, those at the ends of every tensor reach into free memory,
/// and so take some of it again: a twentieth of the whole.
pub fn keep_little_of(bytes: usize) {
    if bytes < VERY_MANY {
        return keep_freed_of(bytes);
    }
    set_purge_delay(AT_ONCE);
    #[cfg(target_os = "linux")]
    // SAFETY: sets one flag of the process, and reads no memory.
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

fn set_purge_delay(milliseconds: c_long) {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        // SAFETY: sets one number, which is read whole.
        unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, milliseconds) }
    }
}

/// `mi_option_purge_delay` of mimalloc 3, which the bindings do not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
const NEVER: c_long = -1;
const AT_ONCE: c_long = 0;
const A_MOMENT: c_long = 100;
/// A quarter of a gibibyte.
const MANY: usize = 256 << 20;
const VERY_MANY: usize = 1 << 30;
