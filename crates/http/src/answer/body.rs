//! The body of a response: bytes at once, or a stream of them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};

/// The body of every response of the hub, and of any other response that is bytes.
pub struct Body {
    source: BodySource,
    _open: Option<OpenOnConnection>,
}

/// Held by everything that is open on a connection.
#[derive(Clone, Default)]
pub(crate) struct OpenOnConnection(Arc<()>);

impl OpenOnConnection {
    /// Whether this is the last one.
    pub(crate) fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl From<BodySource> for Body {
    fn from(source: BodySource) -> Self {
        Self { source, _open: None }
    }
}

/// Where the bytes of a body come from.
enum BodySource {
    Full(Option<Bytes>),
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl Body {
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        BodySource::Full(Some(bytes.into())).into()
    }

    pub(crate) fn empty() -> Self {
        BodySource::Full(None).into()
    }

    pub(crate) fn stream(stream: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        BodySource::Stream(Box::pin(stream)).into()
    }

    /// The same, as one of what is open on a connection.
    pub(crate) fn holding(self, open: OpenOnConnection) -> Self {
        Self { _open: Some(open), ..self }
    }
}

/// For servers that answer some requests themselves, and need one type of body.
impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::full(text)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::full(text)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let bytes = match &mut self.source {
            BodySource::Full(bytes) => Poll::Ready(bytes.take()),
            BodySource::Stream(stream) => stream.as_mut().poll_next(context),
        };
        bytes.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.source, BodySource::Full(bytes) if bytes.as_ref().is_none_or(Bytes::is_empty))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            BodySource::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            BodySource::Stream(_) => SizeHint::default(),
        }
    }
}
