//! Memory of the thread pool: slices that threads write together, and buffers that a thread keeps.

use std::{cell::RefCell, marker::PhantomData, mem::MaybeUninit};

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

    /// Room for as many elements, which must be written, through [`at`](Self::at), before they are read.
    fn room(room: &'a mut [MaybeUninit<T>]) -> Self {
        Self { start: room.as_mut_ptr().cast(), len: room.len(), slice: PhantomData }
    }

    /// The part of `len` elements from `start` on, shared in its turn.
    pub(crate) fn part(&self, start: usize, len: usize) -> Self {
        assert!(start.checked_add(len).is_some_and(|end| end <= self.len));
        Self { start: self.start.wrapping_add(start), len, slice: PhantomData }
    }

    /// How many elements.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The part of `len` elements from `start` on.
    ///
    /// # Safety
    /// No other live reference may overlap this part, which holds elements already.
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

/// `len` numbers that `write` writes: to clear them first is a second way through memory.
///
/// # Safety
/// `write` writes all of them through [`Shared::at`], and reads none before.
pub(crate) unsafe fn written(len: usize, write: impl FnOnce(Shared<'_, f32>)) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    let room = &mut values.spare_capacity_mut()[..len];
    if cfg!(test) {
        // So that what is not written shows.
        room.fill(MaybeUninit::new(f32::NAN));
    }
    write(Shared::room(room));
    // SAFETY: the capacity is there, and the caller promises that all are written.
    unsafe { values.set_len(len) };
    values
}

/// Bytes that a buffer keeps between uses; a longer one is given back.
const KEPT: usize = 32 << 20;

#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u32; 16]);

/// A buffer on whole cache lines. What it holds is arbitrary: what an earlier use left there.
#[derive(Default)]
pub(crate) struct Buffer(Vec<Line>);

impl Buffer {
    /// `len` words.
    pub(crate) fn words(&mut self, len: usize) -> &mut [u32] {
        let lines = len.div_ceil(16);
        if self.0.len() < lines {
            self.0 = vec![Line([0; 16]); lines];
        }
        // SAFETY: a line is sixteen words and nothing else, and there are enough of them.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), len) }
    }

    /// `len` numbers.
    pub(crate) fn floats(&mut self, len: usize) -> &mut [f32] {
        let words = self.words(len);
        // SAFETY: every word is an f32 of the same size and alignment.
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), len) }
    }
}

/// Runs `work` with `N` buffers that this thread keeps: fresh pages cost more than the arithmetic
/// of a small operation.
///
/// The buffers are taken out meanwhile, so `work` may wait for other tasks of the thread pool.
pub(crate) fn with_buffers<const N: usize, R>(work: impl FnOnce(&mut [Buffer; N]) -> R) -> R {
    thread_local! {
        static BUFFERS: RefCell<Vec<Buffer>> = const { RefCell::new(Vec::new()) };
    }
    let mut buffers = BUFFERS.with_borrow_mut(|kept| std::array::from_fn(|_| kept.pop().unwrap_or_default()));
    let result = work(&mut buffers);
    // In the order in which the next use takes them, so that each finds one of its size.
    let used = buffers
        .into_iter()
        .rev()
        .map(|buffer| if size_of_val(buffer.0.as_slice()) > KEPT { Buffer::default() } else { buffer });
    BUFFERS.with_borrow_mut(|kept| kept.extend(used));
    result
}
