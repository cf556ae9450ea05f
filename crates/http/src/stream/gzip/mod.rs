//! Streams that are compressed: each event once, for all who read it.
//!
//! An event is compressed without the history of any stream, and ends at the boundary of a byte. So the same bytes continue the gzip
//! stream of every reader, whatever that reader has had before; only the few bytes at its beginning and its end are its own.
//! ADR 70 has the reasons.
//!
//! | file | noun |
//! |---|---|
//! | `blocks` | the beginning, the stored blocks and the end of a gzip stream |
//! | `sum` | the checksum with which a gzip stream ends, of streams that share most of their bytes |
//! | `deflater` | what compresses events, once each, within a budget |
//! | `rate` | the budget |

pub(crate) mod blocks;
pub(crate) mod deflater;
mod rate;
mod sum;

pub(crate) use deflater::{Deflater, Packed, Packing};
pub(crate) use sum::MemberSum;
pub use sum::Sum;

/// How the bytes of a stream travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Coding {
    /// As they are.
    #[default]
    Identity,
    /// As a gzip stream.
    Gzip,
    /// As messages, of which those that are events are compressed, each by itself (RFC 7692).
    Messages,
}

/// How a stream has begun to travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coded {
    /// As it is.
    #[default]
    Identity,
    /// As a gzip stream, and this is the sum of its opening.
    Gzip(Sum),
    /// As messages that are compressed, each by itself.
    Messages,
}

impl Coded {
    pub(crate) fn coding(self) -> Coding {
        match self {
            Self::Identity => Coding::Identity,
            Self::Gzip(_) => Coding::Gzip,
            Self::Messages => Coding::Messages,
        }
    }

    /// The sum of its opening, if it ends with a sum.
    pub(crate) fn sum(self) -> Option<Sum> {
        match self {
            Self::Gzip(sum) => Some(sum),
            Self::Identity | Self::Messages => None,
        }
    }
}
