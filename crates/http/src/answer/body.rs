//! The body of a response: bytes at once, or a stream of them.
//!
//! Large bytes are handed out in pieces, so that whoever carries the body can tell a client that takes them slowly from one
//! that takes nothing.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};

use crate::access_log::AccessEntry;
use crate::answer::handed_out::HandedOut;
use crate::answer::watch::AnswerWatch;
use crate::budget::Taken;
use crate::connection::visit::OpenRequest;
use crate::limits::PIECE_BYTES;

/// The body of every response of the hub, and of any other response that is bytes.
pub struct Body {
    source: BodySource,
    /// What is left of bytes that are larger than a piece.
    rest: Bytes,
    _open: Option<OpenRequest>,
    watched: Option<Watched>,
    /// Bytes of a budget. They are given back with the body.
    taken: Option<Taken>,
    /// The line of the access log, which ends with the body.
    entry: Option<AccessEntry>,
    /// The pieces that the connection has not written yet. The body ends only when there are none.
    handed_out: Option<HandedOut>,
}

/// The watch over a body, until the body is dropped.
struct Watched(AnswerWatch);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.at_rest();
        self.0.holds(None);
    }
}

/// Where the bytes of a body come from.
enum BodySource {
    Full(Option<Bytes>),
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl BodySource {
    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self {
            Self::Full(bytes) => Poll::Ready(bytes.take()),
            Self::Stream(stream) => stream.as_mut().poll_next(context),
        }
    }
}

impl From<BodySource> for Body {
    fn from(source: BodySource) -> Self {
        Self {
            source,
            rest: Bytes::new(),
            _open: None,
            watched: None,
            taken: None,
            entry: None,
            handed_out: None,
        }
    }
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

    /// The same, as the answer to a request that is open on a connection.
    pub(crate) fn holding(self, open: OpenRequest) -> Self {
        Self { _open: Some(open), ..self }
    }

    /// The same, with bytes of a budget that are given back with it. Others may ask for them while the client takes it.
    pub(crate) fn taking(self, mut taken: Taken) -> Self {
        // Its carrier ends it when it does not move: no least rate here.
        taken.watch(0);
        Self { taken: Some(taken), ..self.until_written() }
    }

    /// The same, as the answer of which this entry of the access log tells.
    pub(crate) fn logged_by(self, entry: AccessEntry) -> Self {
        Self { entry: Some(entry), ..self }
    }

    /// The same, ended only when the connection has written all pieces.
    pub(crate) fn until_written(self) -> Self {
        Self { handed_out: Some(self.handed_out.unwrap_or_default()), ..self }
    }

    /// The same, ended when all pieces are handed out: a server that we do not know may keep them until the end of the body, and would
    /// wait for it for ever.
    pub(crate) fn for_any_server(self) -> Self {
        Self { handed_out: None, ..self }
    }

    /// The same, watched by its carrier.
    pub(crate) fn watched_by(self, watch: AnswerWatch) -> Self {
        if let Some(taken) = &self.taken {
            watch.holds(taken.end().cloned());
        }
        Self { watched: Some(Watched(watch)), ..self }
    }

    fn hand_out(&self, mut piece: Bytes) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(Watched(watch)) = &self.watched {
            watch.handed_out();
        }
        if let Some(entry) = &self.entry {
            entry.wrote(piece.len());
        }
        if let Some(taken) = &self.taken {
            taken.moved_after_a_while(piece.len());
        }
        if let Some(handed_out) = &self.handed_out {
            piece = handed_out.count(piece);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    /// Waits until the connection has written all pieces, as far as it tells.
    fn poll_written(&self, context: &mut Context<'_>) -> Poll<()> {
        self.handed_out.as_ref().map_or(Poll::Ready(()), |handed_out| handed_out.poll_all_written(context))
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
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            let bytes = self.source.poll_bytes(context);
            match bytes {
                Poll::Ready(Some(bytes)) if bytes.len() > PIECE_BYTES => self.rest = bytes,
                Poll::Ready(Some(bytes)) => return self.hand_out(bytes),
                Poll::Pending | Poll::Ready(None) => {
                    if bytes.is_ready() {
                        // A stream must not be polled again after its end.
                        self.source = BodySource::Full(None);
                    }
                    ready!(self.poll_written(context));
                    if let Some(Watched(watch)) = &self.watched {
                        watch.at_rest();
                    }
                    ready!(bytes);
                    return Poll::Ready(None);
                }
            }
        }
        let size = self.rest.len().min(PIECE_BYTES);
        let mut piece = self.rest.split_to(size);
        if self.rest.is_empty() {
            // The connection may keep the last piece for long, and must not keep a large event with it.
            piece = Bytes::copy_from_slice(&piece);
        }
        self.hand_out(piece)
    }

    fn is_end_stream(&self) -> bool {
        let BodySource::Full(bytes) = &self.source else { return false };
        self.rest.is_empty()
            && bytes.as_ref().is_none_or(Bytes::is_empty)
            && self.handed_out.as_ref().is_none_or(HandedOut::is_all_written)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            BodySource::Full(bytes) => {
                SizeHint::with_exact((self.rest.len() + bytes.as_ref().map_or(0, Bytes::len)) as u64)
            }
            BodySource::Stream(_) => SizeHint::default(),
        }
    }
}
