//! Slices written by several threads at once, each in its own place.

use std::marker::PhantomData;

/// A mutable slice that threads may share as long as they write disjoint parts of it.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: the pointer stands for a `&mut [T]`; the users of `range` keep their parts disjoint.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above: access goes through `range` and `at` alone, whose callers promise disjointness.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// The part of `len` elements from `start` on.
    ///
    /// # Safety
    /// No other live reference may overlap this part.
    #[allow(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    pub(crate) unsafe fn range(&self, start: usize, len: usize) -> &'a mut [T] {
        assert!(
            start.checked_add(len).is_some_and(|end| end <= self.len),
            "part {start}+{len} of a slice of {}",
            self.len
        );
        // SAFETY: in bounds by the check; the caller promises that nothing overlaps.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }

    /// A pointer to element `index`, for kernels that write strided rows.
    pub(crate) fn at(&self, index: usize) -> *mut T {
        assert!(index <= self.len);
        self.start.wrapping_add(index)
    }
}
