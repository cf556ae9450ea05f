//! The decoder over a `Stream` of chunks.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use bytes::Buf;
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::source::Reading;
use super::{Decoder, OwnedItem, SourceError};

pin_project! {
    /// Decodes a stream of chunks, such as the body of a response.
    ///
    /// A chunk is decoded as a whole, and its items are held until they are asked for: a source should not make
    /// its chunks larger than a caller can afford, some ten times over if events are tiny.
    ///
    /// Ends with its source. After an error it ends as well. Dropping it, or a future of its next item, loses
    /// nothing but what has not been asked for.
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use tidings_sse::Decoder;
    /// use tidings_sse::decode::{DecodeStream, OwnedItem};
    ///
    /// # let example = async {
    /// let chunks = stream::iter([Ok::<_, std::io::Error>(&b"data: he"[..]), Ok(b"llo\n\n")]);
    /// let mut items = DecodeStream::new(chunks, Decoder::new());
    /// while let Some(item) = items.next().await {
    ///     if let OwnedItem::Event(event) = item? {
    ///         assert_eq!(event.data, "hello");
    ///     }
    /// }
    /// let next_connection = items.into_decoder();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # };
    /// # futures_util::FutureExt::now_or_never(example).unwrap().unwrap();
    /// ```
    #[derive(Debug)]
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct DecodeStream<S> {
        #[pin]
        source: S,
        reading: Reading,
    }
}

impl<S, D, E> DecodeStream<S>
where
    S: Stream<Item = Result<D, E>>,
    D: Buf,
{
    /// Decodes a source with a decoder that is new, or comes from the connection before.
    pub fn new(source: S, decoder: Decoder) -> Self {
        Self { source, reading: Reading::new(decoder) }
    }

    /// The decoder, for its last event id.
    pub fn decoder(&self) -> &Decoder {
        self.reading.decoder()
    }

    /// The decoder, ready for the next connection.
    pub fn into_decoder(self) -> Decoder {
        self.reading.into_decoder()
    }
}

impl<S, D, E> Stream for DecodeStream<S>
where
    S: Stream<Item = Result<D, E>>,
    D: Buf,
{
    type Item = Result<OwnedItem, SourceError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            if let Some(item) = this.reading.next() {
                return Poll::Ready(Some(item.map_err(SourceError::Decode)));
            }
            if this.reading.over {
                return Poll::Ready(None);
            }
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => this.reading.take_chunk(chunk),
                Some(Err(error)) => {
                    this.reading.over = true;
                    return Poll::Ready(Some(Err(SourceError::Source(error))));
                }
                None => this.reading.over = true,
            }
        }
    }
}
