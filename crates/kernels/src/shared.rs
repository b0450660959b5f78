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

/// `len` numbers that `write` writes: to clear them first is a second way through memory, and on one thread.
///
/// # Safety
/// `write` writes all of them through [`Shared::at`], and reads none before.
pub(crate) unsafe fn written<T: Plain>(len: usize, write: impl FnOnce(Shared<'_, T>)) -> Vec<T> {
    // SAFETY: the caller's promise.
    unsafe { filled(len, |room| write(Shared::room(room))) }
}

/// [`written`] for what writes a slice.
///
/// # Safety
/// `fill` writes all of it.
pub(crate) unsafe fn filled<T: Plain>(len: usize, fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Vec<T> {
    let mut values = Vec::with_capacity(len);
    let room = &mut values.spare_capacity_mut()[..len];
    if cfg!(test) {
        // So that what is not written shows: a NaN.
        // SAFETY: as many bytes as there is room for.
        unsafe { room.as_mut_ptr().cast::<u8>().write_bytes(0xff, size_of_val(room)) };
    }
    fill(room);
    // SAFETY: the capacity is there, and the caller promises that all are written.
    unsafe { values.set_len(len) };
    values
}

/// A task's part of such room, cleared in the cache that it is about to be written in, for what adds up in place.
pub(crate) fn cleared<T: Plain + Default>(room: &mut [MaybeUninit<T>]) -> &mut [T] {
    room.fill(MaybeUninit::new(T::default()));
    // SAFETY: all of it has just been written.
    unsafe { &mut *(std::ptr::from_mut(room) as *mut [T]) }
}

/// Plain numbers, and arrays of them.
///
/// # Safety
/// Any bits are a value, and all of them belong to it: there are no gaps.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: a number.
unsafe impl Plain for u8 {}
// SAFETY: a number.
unsafe impl Plain for u16 {}
// SAFETY: a number.
unsafe impl Plain for u32 {}
// SAFETY: a number.
unsafe impl Plain for f32 {}
// SAFETY: the bits of a number.
unsafe impl Plain for half::bf16 {}

/// Whether memory of one type is memory of the other.
const fn fits<T, U>() -> bool {
    size_of::<T>().is_multiple_of(size_of::<U>()) && align_of::<T>().is_multiple_of(align_of::<U>())
}

/// The same memory as other numbers: as many as it has room for.
#[inline(always)]
pub(crate) fn cast<T: Plain, U: Plain>(values: &[T]) -> &[U] {
    const { assert!(fits::<T, U>()) };
    let len = size_of_val(values) / size_of::<U>();
    // SAFETY: the same bytes in the same borrow, aligned by the assertion; any bits are a value.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), len) }
}

/// [`cast`] of memory that may be written.
#[inline(always)]
pub(crate) fn cast_mut<T: Plain, U: Plain>(values: &mut [T]) -> &mut [U] {
    const { assert!(fits::<T, U>()) };
    let len = size_of_val(values) / size_of::<U>();
    // SAFETY: as in `cast`; what is written through it is a value of both types.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), len) }
}

/// Bytes that a buffer keeps between uses; a longer one is given back.
const KEPT: usize = 32 << 20;

#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u32; 16]);

// SAFETY: sixteen words fill a line.
unsafe impl Plain for Line {}

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
        &mut cast_mut(&mut self.0)[..len]
    }

    /// `len` numbers.
    pub(crate) fn floats(&mut self, len: usize) -> &mut [f32] {
        cast_mut(self.words(len))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_memory_is_as_many_other_numbers() {
        let mut words = [0x4000_3f80u32, 0x4040_0000];
        assert_eq!(cast::<u32, u16>(&words), [0x3f80, 0x4000, 0, 0x4040]);
        assert_eq!(cast::<u32, f32>(&words)[1], 3.0);
        cast_mut::<u32, u8>(&mut words)[0] = 0x81;
        assert_eq!(words, [0x4000_3f81, 0x4040_0000]);
        assert!(cast::<u32, u8>(&[]).is_empty());
    }

    #[test]
    fn buffers_lie_on_whole_lines() {
        let mut buffer = Buffer::default();
        for len in [0, 1, 16, 17, 1000] {
            let words = buffer.words(len);
            assert!(words.len() == len && words.as_ptr().addr().is_multiple_of(64));
            assert_eq!(buffer.floats(len).len(), len);
        }
    }
}
