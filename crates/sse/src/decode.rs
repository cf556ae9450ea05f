//! The decoder: bytes in, in chunks of any size, events out.
//!
//! [`Decoder::decode`] takes what has arrived and returns one [`Item`] at a time, whose texts point into the
//! chunk where they lie whole in it and into the decoder otherwise. It knows nothing of connections: whoever owns
//! one calls [`Decoder::reconnect`] when a new one begins.

mod block;
mod decoder;
mod error;
mod item;
mod limits;
mod line;
mod partial;
mod text;

#[cfg(feature = "http-body")]
mod body;
#[cfg(any(feature = "stream", feature = "http-body"))]
mod source;
#[cfg(feature = "stream")]
mod stream;

#[cfg(feature = "http-body")]
pub use body::DecodeBody;
pub use decoder::Decoder;
pub use error::DecodeError;
pub use item::{Event, Item, OwnedEvent, OwnedItem};
pub use limits::{Limits, Report};
#[cfg(any(feature = "stream", feature = "http-body"))]
pub use source::SourceError;
#[cfg(feature = "stream")]
pub use stream::DecodeStream;
