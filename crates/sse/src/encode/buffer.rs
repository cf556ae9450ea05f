//! What the encoder can write into.

use alloc::vec::Vec;

use bytes::BytesMut;

/// A growing byte buffer: `Vec<u8>` or `BytesMut`.
///
/// Sealed, and narrower than `bytes::BufMut`, because that one panics when a fixed buffer is full.
pub trait Buffer: sealed::Sealed {
    /// Makes room for exactly so many bytes more.
    #[doc(hidden)]
    fn reserve(&mut self, additional: usize);

    /// Appends.
    #[doc(hidden)]
    fn push(&mut self, bytes: &[u8]);
}

impl Buffer for Vec<u8> {
    #[inline]
    fn reserve(&mut self, additional: usize) {
        Vec::reserve(self, additional);
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Buffer for BytesMut {
    #[inline]
    fn reserve(&mut self, additional: usize) {
        BytesMut::reserve(self, additional);
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Vec<u8> {}
    impl Sealed for super::BytesMut {}
}
