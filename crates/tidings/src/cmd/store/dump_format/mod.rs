//! A dump as text, and back.
//!
//! | file | noun |
//! |---|---|
//! | `item` | an item of a dump as an object of JSON |
//! | `ndjson` | a line of JSON for each item |
//! | `event_stream` | a block of `text/event-stream` for each item |
//! | `reader` | the items of a text |

mod event_stream;
mod item;
mod ndjson;
mod reader;
#[cfg(test)]
mod tests;

use clap::ValueEnum;
use tidings_store::offline::DumpItem;

pub(super) use self::reader::{DumpReader, ReadError};

/// The form of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum DumpFormat {
    /// A line of JSON for each event
    #[default]
    Ndjson,
    /// `text/event-stream`, with further fields
    EventStream,
}

impl DumpFormat {
    /// Appends an item.
    pub(super) fn write(self, item: &DumpItem, into: &mut String) {
        match self {
            Self::Ndjson => ndjson::write(item, into),
            Self::EventStream => event_stream::write(item, into),
        }
    }
}
