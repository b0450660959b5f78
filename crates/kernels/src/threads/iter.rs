//! Chunks of slices, shared out among the threads: as much of rayon's vocabulary as the kernels speak.

use std::{mem::MaybeUninit, ops::Range};

use super::{available, for_each};
use crate::shared::Shared;

/// Groups of items that each thread can take, so that one that is late does not hold up the others.
const GROUPS_PER_THREAD: usize = 16;

/// Items that can be made from their index, each by one thread.
pub(crate) trait Parallel: Sized + Sync {
    type Item;

    fn len(&self) -> usize;

    /// Item `index`.
    ///
    /// # Safety
    /// Every index is below `len` and asked for once.
    unsafe fn item(&self, index: usize) -> Self::Item;

    /// Items of both, side by side, as many as the shorter has.
    fn zip<B: Parallel>(self, other: B) -> Zip<Self, B> {
        Zip(self, other)
    }

    /// Items with their indices.
    fn enumerate(self) -> Zip<Indices, Self> {
        Zip(Indices(0..self.len()), self)
    }

    /// Gives a thread at least `least` items at a time.
    fn with_min_len(self, least: usize) -> Grouped<Self> {
        Grouped { items: self, least }
    }

    /// How many items a thread takes at a time.
    fn group(&self) -> usize {
        (self.len() / (available() * GROUPS_PER_THREAD)).max(1)
    }

    fn for_each(self, work: impl Fn(Self::Item) + Sync) {
        let (len, group) = (self.len(), self.group());
        for_each(len.div_ceil(group), |task| {
            for index in task * group..len.min((task + 1) * group) {
                // SAFETY: the groups are disjoint and end at `len`.
                work(unsafe { self.item(index) });
            }
        });
    }

    /// What `make` makes of each item, in order.
    fn map_collect<R: Send>(self, make: impl Fn(Self::Item) -> R + Sync) -> Vec<R> {
        let mut made: Vec<MaybeUninit<R>> = Vec::new();
        made.resize_with(self.len(), MaybeUninit::uninit);
        let places = Shared::new(&mut made);
        self.enumerate().for_each(|(index, item)| {
            // SAFETY: every index is asked for once.
            unsafe { places.range(index, 1)[0].write(make(item)) };
        });
        // SAFETY: every place was written; had a task panicked, so would `for_each` have.
        made.into_iter().map(|made| unsafe { made.assume_init() }).collect()
    }
}

/// See [`IntoParallel::into_par_iter`].
pub(crate) struct Indices(Range<usize>);

impl Parallel for Indices {
    type Item = usize;

    fn len(&self) -> usize {
        self.0.len()
    }

    unsafe fn item(&self, index: usize) -> usize {
        self.0.start + index
    }
}

/// See [`ParallelSlice::par_chunks`].
pub(crate) struct Chunks<'a, T> {
    values: &'a [T],
    size: usize,
}

impl<'a, T: Sync> Parallel for Chunks<'a, T> {
    type Item = &'a [T];

    fn len(&self) -> usize {
        self.values.len().div_ceil(self.size)
    }

    unsafe fn item(&self, index: usize) -> &'a [T] {
        let start = index * self.size;
        &self.values[start..self.values.len().min(start + self.size)]
    }
}

/// See [`ParallelSliceMut::par_chunks_mut`].
pub(crate) struct ChunksMut<'a, T> {
    values: Shared<'a, T>,
    len: usize,
    size: usize,
}

impl<'a, T: Send> Parallel for ChunksMut<'a, T> {
    type Item = &'a mut [T];

    fn len(&self) -> usize {
        self.len.div_ceil(self.size)
    }

    unsafe fn item(&self, index: usize) -> &'a mut [T] {
        let start = index * self.size;
        // SAFETY: chunks are disjoint, and each is asked for once.
        unsafe { self.values.range(start, self.size.min(self.len - start)) }
    }
}

/// See [`Parallel::zip`].
pub(crate) struct Zip<A, B>(A, B);

impl<A: Parallel, B: Parallel> Parallel for Zip<A, B> {
    type Item = (A::Item, B::Item);

    fn len(&self) -> usize {
        self.0.len().min(self.1.len())
    }

    fn group(&self) -> usize {
        self.0.group().max(self.1.group())
    }

    unsafe fn item(&self, index: usize) -> Self::Item {
        // SAFETY: the caller's promise, and `len` is the lesser of both.
        unsafe { (self.0.item(index), self.1.item(index)) }
    }
}

/// See [`Parallel::with_min_len`].
pub(crate) struct Grouped<A> {
    items: A,
    least: usize,
}

impl<A: Parallel> Parallel for Grouped<A> {
    type Item = A::Item;

    fn len(&self) -> usize {
        self.items.len()
    }

    fn group(&self) -> usize {
        self.items.group().max(self.least)
    }

    unsafe fn item(&self, index: usize) -> A::Item {
        // SAFETY: the caller's promise.
        unsafe { self.items.item(index) }
    }
}

/// Slices to read.
pub(crate) trait ParallelSlice<T> {
    /// Chunks of `size` values; the last may be shorter.
    fn par_chunks(&self, size: usize) -> Chunks<'_, T>;
}

impl<T> ParallelSlice<T> for [T] {
    fn par_chunks(&self, size: usize) -> Chunks<'_, T> {
        assert!(size > 0, "chunks of nothing");
        Chunks { values: self, size }
    }
}

/// Slices to write.
pub(crate) trait ParallelSliceMut<T> {
    /// Chunks of `size` values; the last may be shorter.
    fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T>;
}

impl<T> ParallelSliceMut<T> for [T] {
    fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T> {
        assert!(size > 0, "chunks of nothing");
        ChunksMut { len: self.len(), values: Shared::new(self), size }
    }
}

/// Ranges of indices.
pub(crate) trait IntoParallel {
    /// The indices, in any order.
    fn into_par_iter(self) -> Indices;
}

impl IntoParallel for Range<usize> {
    fn into_par_iter(self) -> Indices {
        Indices(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_disjoint_and_complete() {
        for (len, size) in [(0, 3), (1, 3), (103, 10), (100, 10), (5_000, 1)] {
            let source: Vec<usize> = (0..len).collect();
            let mut values = vec![usize::MAX; len];
            values.par_chunks_mut(size).zip(source.par_chunks(size)).with_min_len(3).enumerate().for_each(
                |(index, (values, source))| {
                    assert_eq!(source[0], index * size);
                    values.copy_from_slice(source);
                },
            );
            assert_eq!(values, source);
        }
    }

    #[test]
    fn what_is_made_comes_in_order() {
        let made = (5..2_005).into_par_iter().map_collect(|index| index.to_string());
        assert!(made.iter().enumerate().all(|(i, made)| *made == (i + 5).to_string()));
    }
}
