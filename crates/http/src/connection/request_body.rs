//! The body of a request on a connection of our own, which knows whether its handler has read it to the end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::task::yield_now;

use crate::limits::BODY_LOOKS_MAX;

/// A body that is kept until it has ended or failed.
pub(crate) struct RequestBody(Option<Incoming>);

impl RequestBody {
    pub(crate) fn new(body: Incoming) -> Self {
        Self((!body.is_end_stream()).then_some(body))
    }

    /// Takes what has come already of a body that nobody wants, and does not wait for more. Whether that was all. hyper reads on
    /// between two looks: a small body in chunks has its end behind its data.
    pub(crate) async fn ends_with_what_came(&mut self) -> bool {
        for _ in 0..BODY_LOOKS_MAX {
            while !self.is_end_stream() && self.frame().now_or_never().is_some() {}
            if self.is_end_stream() {
                return true;
            }
            yield_now().await;
        }
        false
    }

    /// The body, if its end was not read.
    pub(crate) fn unread(self) -> Option<Incoming> {
        self.0.filter(|body| !body.is_end_stream())
    }

    /// Takes the body away: for a request whose handler does not read it.
    pub(crate) fn take(&mut self) -> Option<Incoming> {
        self.0.take()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}
