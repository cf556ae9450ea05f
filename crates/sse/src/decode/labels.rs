//! What a hub says of an event beside the standard: lines that every client of the standard ignores.

use alloc::boxed::Box;
use alloc::string::String;
use core::mem;

/// The topic and the time of an event, as texts. One that is empty is none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Labels {
    topic: String,
    time: String,
}

/// Those of the block under way. Always a copy: the texts are short, and a stream without them pays for one look at `are_set`.
#[derive(Debug, Clone, Default)]
pub(super) struct BlockLabels {
    /// Means something only while `are_set`. Left as it is by a dispatch, because the event points into it.
    labels: Labels,
    are_set: bool,
}

impl Labels {
    pub(super) fn topic(&self) -> Option<&str> {
        Some(self.topic.as_str()).filter(|topic| !topic.is_empty())
    }

    pub(super) fn time(&self) -> Option<&str> {
        Some(self.time.as_str()).filter(|time| !time.is_empty())
    }

    pub(super) fn set_topic(&mut self, value: &str) {
        self.topic.clear();
        self.topic.push_str(value);
    }

    pub(super) fn set_time(&mut self, value: &str) {
        self.time.clear();
        self.time.push_str(value);
    }

    /// Not inlined, so that events without labels are made with as few registers as they need.
    #[inline(never)]
    pub(super) fn boxed(&self) -> Box<Self> {
        Box::new(self.clone())
    }

    fn is_empty(&self) -> bool {
        self.topic.is_empty() && self.time.is_empty()
    }

    /// Forgets both, and keeps the memory.
    fn clear(&mut self) {
        self.topic.clear();
        self.time.clear();
    }
}

impl BlockLabels {
    pub(super) fn set_topic(&mut self, value: &str) {
        self.begun().set_topic(value);
    }

    pub(super) fn set_time(&mut self, value: &str) {
        self.begun().set_time(value);
    }

    fn begun(&mut self) -> &mut Labels {
        if !mem::replace(&mut self.are_set, true) {
            self.labels.clear();
        }
        &mut self.labels
    }

    /// Those of a block that ends. They do not count for the next one.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Option<&Labels> {
        if mem::take(&mut self.are_set) {
            Some(&self.labels).filter(|labels| !labels.is_empty())
        } else {
            None
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.labels.topic.capacity() + self.labels.time.capacity()
    }

    /// Gives back the memory that nothing is in which counts.
    pub(super) fn shrink_to_fit(&mut self) {
        if !self.are_set {
            self.labels.clear();
        }
        self.labels.topic.shrink_to_fit();
        self.labels.time.shrink_to_fit();
    }
}
