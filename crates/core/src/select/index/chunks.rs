//! A list in chunks, which never copies all that it holds in order to grow.

use std::ops::{Index, IndexMut};

use super::shrink::shrink;

/// Values in a chunk.
const CHUNK: usize = 512;

/// A list whose growth by one value takes as long as copying one chunk, however long it is.
pub(super) struct Chunks<T> {
    /// Most lists are short, so the first chunk grows from nothing, and is found at once.
    first: Vec<T>,
    /// The others. All chunks are full but the last, and none of these is empty.
    others: Vec<Vec<T>>,
}

impl<T> Chunks<T> {
    pub(super) fn push(&mut self, value: T) {
        if self.first.len() < CHUNK {
            return self.first.push(value);
        }
        match self.others.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(value),
            _ => {
                let mut next = Vec::with_capacity(CHUNK);
                next.push(value);
                self.others.push(next);
            }
        }
    }

    /// Takes a value out, and puts the last one in its place.
    ///
    /// # Panics
    ///
    /// If there is no such value.
    pub(super) fn swap_remove(&mut self, at: usize) -> T {
        let chunk = self.others.last_mut().unwrap_or(&mut self.first);
        let last = chunk.pop().expect("a value to take out");
        shrink!(chunk);
        if chunk.is_empty() {
            self.others.pop();
            shrink!(self.others);
        }
        if at == self.len() { last } else { std::mem::replace(&mut self[at], last) }
    }

    pub(super) fn len(&self) -> usize {
        match self.others.last() {
            None => self.first.len(),
            Some(last) => self.others.len() * CHUNK + last.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        match (at / CHUNK).checked_sub(1) {
            None => self.first.get(at),
            Some(chunk) => self.others.get(chunk)?.get(at % CHUNK),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slices().flatten()
    }

    /// The values in order, in slices. Those of two lists of one length are of the same lengths.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[T]> {
        std::iter::once(&self.first).chain(&self.others).map(Vec::as_slice)
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.others.iter().chain([&self.first]).map(Vec::capacity).sum()
    }
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { first: Vec::new(), others: Vec::new() }
    }
}

impl<T> Index<usize> for Chunks<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        self.get(at).expect("a value that is in the list")
    }
}

impl<T> IndexMut<usize> for Chunks<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        match (at / CHUNK).checked_sub(1) {
            None => &mut self.first[at],
            Some(chunk) => &mut self.others[chunk][at % CHUNK],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_move_from_the_end_to_where_one_was_taken_out() {
        let (mut chunks, mut plain) = (Chunks::default(), Vec::new());
        (0..3 * CHUNK + 7).for_each(|value| {
            chunks.push(value);
            plain.push(value);
        });

        for step in 0.. {
            let Some(last) = plain.len().checked_sub(1) else { break };
            let at = [0, last, last / 2, CHUNK - 1][step % 4].min(last);
            assert_eq!(chunks.swap_remove(at), plain.swap_remove(at));
            assert_eq!((chunks.len(), chunks.get(last)), (plain.len(), None));
        }
        assert!(chunks.is_empty());
    }

    #[test]
    fn slices_hold_all_values_in_order_and_memory_is_given_back() {
        let mut chunks = Chunks::default();
        (0..2 * CHUNK + 1).for_each(|value| chunks.push(value));

        let values: Vec<_> = chunks.slices().flatten().copied().collect();
        assert_eq!(values, (0..2 * CHUNK + 1).collect::<Vec<_>>());
        (0..2 * CHUNK - 9).for_each(|_| assert!(chunks.swap_remove(0) <= 2 * CHUNK));
        assert!(chunks.capacity() <= 64, "{}", chunks.capacity());
    }
}
