//! The bytes of an event, as a batch has them: plain or compressed.

use std::borrow::Cow;

use bytes::Bytes;
use tidings_core::Frame;

use crate::stream::Encoder;
use crate::stream::gzip::{Packed, Packing, Sum};

/// What a batch has for an event. The two kinds are lists of their own, so that plain streams do nothing for compressed ones.
pub(super) trait Text {
    fn bytes(&self) -> &[u8];
    fn packing(&self) -> Packing;
    /// What is not compressed needs none.
    fn sum(&self) -> Sum;
    /// All of it as a piece of its own: of a large event that which others share.
    fn piece(&mut self, encoder: Encoder, frame: &Frame) -> Bytes;
}

/// One of the two, where a batch has both.
pub(super) enum AnyText<'a> {
    Plain(Cow<'a, [u8]>),
    Packed(Packed),
}

impl Text for Cow<'_, [u8]> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn packing(&self) -> Packing {
        Packing::Plain
    }

    fn sum(&self) -> Sum {
        Sum::default()
    }

    fn piece(&mut self, encoder: Encoder, frame: &Frame) -> Bytes {
        match self {
            Cow::Borrowed(_) => encoder.event(frame),
            Cow::Owned(text) => std::mem::take(text).into(),
        }
    }
}

impl Text for Packed {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn packing(&self) -> Packing {
        self.packing
    }

    fn sum(&self) -> Sum {
        self.sum
    }

    fn piece(&mut self, _: Encoder, _: &Frame) -> Bytes {
        self.bytes.clone()
    }
}

impl Text for AnyText<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(text) => text,
            Self::Packed(packed) => &packed.bytes,
        }
    }

    fn packing(&self) -> Packing {
        match self {
            Self::Plain(text) => text.packing(),
            Self::Packed(packed) => packed.packing,
        }
    }

    fn sum(&self) -> Sum {
        match self {
            Self::Plain(text) => text.sum(),
            Self::Packed(packed) => packed.sum,
        }
    }

    fn piece(&mut self, encoder: Encoder, frame: &Frame) -> Bytes {
        match self {
            Self::Plain(text) => text.piece(encoder, frame),
            Self::Packed(packed) => packed.piece(encoder, frame),
        }
    }
}
