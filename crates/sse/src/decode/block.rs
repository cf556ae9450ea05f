//! The block under way: what its lines have said so far.

use alloc::string::String;
use core::mem;

use super::labels::BlockLabels;
use super::limits::SPARE_BYTES_MAX;
use crate::Retry;

/// The lines of a block that are no longer, or never were, whole in the chunk.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    /// Means something only while `has_data`. Left as it is by a dispatch, because the event points into it.
    pub(super) data: String,
    pub(super) has_data: bool,
    /// Bytes of the last text that was handed over: the next one is likely to be as long, and need not be moved as it
    /// grows.
    handed_over: usize,
    /// Empty when no type is set, which on the wire is the same. Means something only while `has_type`.
    pub(super) event_type: String,
    pub(super) has_type: bool,
    pub(super) id: String,
    pub(super) has_id: bool,
    pub(super) retry: Option<Retry>,
    pub(super) labels: BlockLabels,
}

/// The lines of a block that lie whole in the chunk. Each of them, if set, is later than its like in [`Block`].
#[derive(Clone, Copy, Default)]
pub(super) struct Borrowed<'i> {
    /// The only data line so far: with a second one, both move to the [`Block`].
    pub(super) data: Option<&'i str>,
    pub(super) event_type: Option<&'i str>,
    pub(super) id: Option<&'i str>,
}

impl Block {
    /// Forgets everything, and gives back what memory it took.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_data || self.has_type || self.has_id
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.data.capacity() + self.event_type.capacity() + self.id.capacity() + self.labels.memory_bytes()
    }

    /// Gives back the memory that nothing is in which counts.
    pub(super) fn shrink_to_fit(&mut self) {
        let texts = [
            (&mut self.data, self.has_data),
            (&mut self.event_type, self.has_type),
            (&mut self.id, self.has_id),
        ];
        for (text, counts) in texts {
            if !counts {
                text.clear();
            }
            text.shrink_to_fit();
        }
        self.labels.shrink_to_fit();
    }

    /// Begins a data line: what is pushed to `data` from now on is its value.
    #[inline]
    pub(super) fn begin_data_line(&mut self) {
        if self.has_data {
            self.data.push('\n');
        } else {
            self.data.clear();
            self.data.reserve(self.handed_over);
            self.has_data = true;
        }
    }

    /// Hands the data over, with little more memory than it needs.
    pub(super) fn take_data(&mut self) -> String {
        let mut data = mem::take(&mut self.data);
        self.handed_over = data.len();
        if data.capacity() - data.len() > SPARE_BYTES_MAX {
            data.shrink_to_fit();
        }
        data
    }

    #[inline]
    pub(super) fn add_data(&mut self, value: &str) {
        self.begin_data_line();
        self.data.push_str(value);
    }

    pub(super) fn set_type(&mut self, value: &str) {
        self.has_type = true;
        self.event_type.clear();
        self.event_type.push_str(value);
    }

    pub(super) fn set_id(&mut self, value: &str) {
        self.has_id = true;
        self.id.clear();
        self.id.push_str(value);
    }

    /// Copies what is about to leave the decoder's sight.
    #[inline]
    pub(super) fn keep(&mut self, borrowed: Borrowed<'_>) {
        if borrowed.data.is_some() || borrowed.event_type.is_some() || borrowed.id.is_some() {
            self.keep_some(borrowed);
        }
    }

    #[inline(never)]
    fn keep_some(&mut self, borrowed: Borrowed<'_>) {
        if let Some(value) = borrowed.data {
            self.add_data(value);
        }
        if let Some(value) = borrowed.event_type {
            self.set_type(value);
        }
        if let Some(value) = borrowed.id {
            self.set_id(value);
        }
    }
}
