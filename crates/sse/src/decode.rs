//! The decoder: bytes in, in chunks of any size, events out.
//!
//! The walk, one file each: a [`Decoder`] is fed a chunk; [`Feed`] cuts it into runs of valid text; `lines` finds
//! where lines end; `glance` reads the usual blocks at once; of all others `line` names the fields and `block`
//! gathers them until the blank line; an [`Item`] comes out, whose texts point into the chunk where they lie whole
//! in it and into the decoder otherwise.
//!
//! It knows nothing of connections: whoever owns one calls [`Decoder::reconnect`] when a new one begins.

mod block;
#[cfg(feature = "http-body")]
mod body;
mod decoder;
mod error;
mod feed;
mod glance;
mod item;
mod labels;
mod limits;
mod line;
mod lines;
mod partial;
#[cfg(any(feature = "stream", feature = "http-body"))]
mod source;
mod stray;
#[cfg(feature = "stream")]
mod stream;
mod utf8;

#[cfg(feature = "http-body")]
pub use body::DecodeBody;
pub use decoder::Decoder;
pub use error::DecodeError;
pub use feed::Feed;
pub use item::{Event, Item, OwnedEvent, OwnedItem};
pub use limits::{Limits, Report};
#[cfg(any(feature = "stream", feature = "http-body"))]
pub use source::SourceError;
pub use stray::StrayLine;
#[cfg(feature = "stream")]
pub use stream::DecodeStream;
