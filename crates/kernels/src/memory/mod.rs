//! What the program's allocator does with memory that is freed, and how much memory there is.

mod limit;

use std::ffi::c_long;

pub use limit::{LimitSource, MemoryLimit, address_space_left, limit};

/// What becomes of freed memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freed {
    /// It goes back to the system at once.
    GivenBack,
    /// It goes back after a tenth of a second.
    KeptForAMoment,
    /// It stays for the next allocation.
    Kept,
}

/// Tells mimalloc what to do with freed memory, for the whole process.
///
/// For programs whose global allocator is mimalloc; `MIMALLOC_PURGE_DELAY` (milliseconds until memory is given back)
/// still has the last word.
pub fn set_freed(freed: Freed) {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        let milliseconds: c_long = match freed {
            Freed::GivenBack => 0,
            Freed::KeptForAMoment => 100,
            Freed::Kept => -1,
        };
        // SAFETY: sets one number, which is read whole.
        unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, milliseconds) }
    }
}

/// Whether new memory of the process may come in pages of two megabytes, where Linux hands them out.
pub fn set_large_pages(allowed: bool) {
    #[cfg(target_os = "linux")]
    // SAFETY: sets one flag of the process, and reads no memory.
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, libc::c_ulong::from(!allowed), 0, 0, 0);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = allowed;
}

/// `mi_option_purge_delay` of mimalloc 3, which the bindings do not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
