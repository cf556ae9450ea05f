//! The block under way: what its lines have said so far.

use alloc::vec::Vec;

use crate::Retry;

/// The lines of a block that are no longer, or never were, whole in the chunk.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    /// Means something only while `has_data`. Left as it is by a dispatch, because the event points into it.
    pub(super) data: Vec<u8>,
    pub(super) has_data: bool,
    /// Empty when no type is set, which on the wire is the same. Means something only while `has_type`.
    pub(super) event_type: Vec<u8>,
    pub(super) has_type: bool,
    pub(super) id: Vec<u8>,
    pub(super) has_id: bool,
    pub(super) retry: Option<Retry>,
}

/// The lines of a block that lie whole in the chunk. Each of them, if set, is later than its like in [`Block`].
#[derive(Clone, Copy, Default)]
pub(super) struct Borrowed<'i> {
    /// The only data line so far: with a second one, both move to the [`Block`].
    pub(super) data: Option<&'i [u8]>,
    pub(super) event_type: Option<&'i [u8]>,
    pub(super) id: Option<&'i [u8]>,
}

impl Block {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.has_data = false;
        self.has_type = false;
        self.has_id = false;
        self.retry = None;
    }

    /// Begins a data line: what is pushed to `data` from now on is its value.
    pub(super) fn begin_data_line(&mut self) {
        if self.has_data {
            self.data.push(b'\n');
        } else {
            self.data.clear();
            self.has_data = true;
        }
    }

    pub(super) fn add_data(&mut self, value: &[u8]) {
        self.begin_data_line();
        self.data.extend_from_slice(value);
    }

    pub(super) fn set_type(&mut self, value: &[u8]) {
        self.has_type = true;
        self.event_type.clear();
        self.event_type.extend_from_slice(value);
    }

    pub(super) fn set_id(&mut self, value: &[u8]) {
        self.has_id = true;
        self.id.clear();
        self.id.extend_from_slice(value);
    }

    /// Copies what is about to leave the decoder's sight.
    pub(super) fn keep(&mut self, borrowed: Borrowed<'_>) {
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
