//! The decoder over an `http_body::Body`.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::Stream;
use http_body::Body;
use pin_project_lite::pin_project;

use super::source::Reading;
use super::{Decoder, OwnedItem, SourceError};

pin_project! {
    /// Decodes the body of a request or a response. A `Stream` of items, like
    #[cfg_attr(feature = "stream", doc = "[`DecodeStream`](super::DecodeStream).")]
    #[cfg_attr(not(feature = "stream"), doc = "`DecodeStream`.")]
    ///
    /// A chunk is decoded as a whole, and its items are held until they are asked for: a source should not make
    /// its chunks larger than a caller can afford, some ten times over if events are tiny.
    ///
    /// Ends with the body; trailers are passed over. After an error it ends as well. Dropping it, or a future of
    /// its next item, loses nothing but what has not been asked for.
    ///
    /// ```
    /// use futures_util::StreamExt;
    /// use http_body_util::Full;
    /// use tidings_sse::Decoder;
    /// use tidings_sse::decode::{DecodeBody, OwnedItem};
    ///
    /// # let example = async {
    /// let body = Full::new(&b"event: tick\ndata: 1\n\n"[..]);
    /// let mut items = DecodeBody::new(body, Decoder::new());
    /// while let Some(item) = items.next().await {
    ///     if let OwnedItem::Event(event) = item? {
    ///         assert_eq!((event.type_or_message(), event.data.as_str()), ("tick", "1"));
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # };
    /// # futures_util::FutureExt::now_or_never(example).unwrap().unwrap();
    /// ```
    #[derive(Debug)]
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct DecodeBody<B: Body> {
        #[pin]
        body: B,
        reading: Reading,
    }
}

impl<B: Body> DecodeBody<B> {
    /// Decodes a body with a decoder that is new, or comes from the connection before.
    pub fn new(body: B, decoder: Decoder) -> Self {
        Self { body, reading: Reading::new(decoder) }
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

impl<B: Body> Stream for DecodeBody<B> {
    type Item = Result<OwnedItem, SourceError<B::Error>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            if let Some(item) = this.reading.next() {
                return Poll::Ready(Some(item.map_err(SourceError::Decode)));
            }
            if this.reading.over {
                return Poll::Ready(None);
            }
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        this.reading.take_chunk(chunk);
                    }
                }
                Some(Err(error)) => {
                    this.reading.over = true;
                    return Poll::Ready(Some(Err(SourceError::Source(error))));
                }
                None => this.reading.over = true,
            }
        }
    }
}
