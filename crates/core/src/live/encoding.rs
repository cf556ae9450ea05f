//! An encoding: how events become bytes on some wire, as far as the core must know it to share those bytes.
//!
//! The core knows no format. Encodings live beside the streams that use them; the feed makes those that are in use when
//! an event arrives, once for all readers. Every other reader encodes for itself.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;

use crate::event::Event;

/// A format of events. Always a static, whose address is its identity.
#[derive(Debug)]
pub struct Encoding {
    /// The format's name, for people.
    pub name: &'static str,
    /// Appends an event to a buffer. Returns where in the appended bytes the event's data stands, if it stands there
    /// in one piece and byte for byte: then memory holds it once.
    pub encode: fn(&Event, &mut BytesMut) -> Option<Range<usize>>,
}

impl Encoding {
    /// Whether both are the same static.
    pub(crate) fn is(&'static self, other: &'static Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// Says that somebody uses an encoding: while this lives, the feed makes it of every event that arrives.
#[must_use = "the encoding is in use for as long as this lives"]
pub struct InUse {
    all: Arc<EncodingsInUse>,
    encoding: &'static Encoding,
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut users = self.all.users();
        if let Some((_, count)) = users.iter_mut().find(|(known, _)| known.is(self.encoding)) {
            *count -= 1;
        }
        users.retain(|(_, count)| *count > 0);
    }
}

/// The encodings in use, with the number of their users.
#[derive(Debug, Default)]
pub(crate) struct EncodingsInUse(Mutex<Vec<(&'static Encoding, usize)>>);

impl EncodingsInUse {
    /// One more uses an encoding.
    pub(crate) fn add(self: &Arc<Self>, encoding: &'static Encoding) -> InUse {
        let mut users = self.users();
        match users.iter_mut().find(|(known, _)| known.is(encoding)) {
            Some((_, count)) => *count += 1,
            None => users.push((encoding, 1)),
        }
        drop(users);
        InUse { all: self.clone(), encoding }
    }

    pub(crate) fn list(&self) -> Vec<&'static Encoding> {
        self.users().iter().map(|(encoding, _)| *encoding).collect()
    }

    fn users(&self) -> MutexGuard<'_, Vec<(&'static Encoding, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
