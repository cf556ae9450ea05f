//! A socket whose handshake is answered: what it goes on with once it has left hyper.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tidings_core::roster::Attendance;
use tidings_core::{Follower, Session, Visitor};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::access::SocketAccess;
use super::driver::drive;
use super::handshake::{Exit, Handshake};
use super::pace::Pace;
use super::quiet::{Awake, QuietSocket, Resting};
use crate::access_log::AccessEntry;
use crate::answer::body::Body;
use crate::connection::socket::{Watched, Watchman};
use crate::front::Front;
use crate::stream::Encoder;
use crate::stream::permits::StreamPermit;
use crate::stream::task::Handed;

/// What a socket goes on with.
pub(crate) struct Socket {
    /// For the client that the handshake has come from.
    pub(crate) front: Front,
    pub(crate) follower: Follower,
    /// The first messages.
    pub(crate) opening: Bytes,
    pub(crate) attendance: Attendance,
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) permit: Option<StreamPermit>,
    pub(crate) entry: Option<AccessEntry>,
    pub(crate) access: SocketAccess,
    /// It was agreed on that messages may be compressed.
    pub(crate) deflates: bool,
}

impl Socket {
    /// What a driver begins with, which carries it to its end.
    pub(crate) fn awake(self) -> Awake {
        let Self { front, follower, opening, attendance, session, permit, entry, access, deflates } = self;
        let visitor = visitor(&front, session.as_ref());
        let subscription = front.hub().follow(follower, visitor, attendance);
        let quiet = QuietSocket { front, access, pace: Pace::new(Instant::now()), deflates };
        let opening = Some(opening);
        Awake { quiet, opening, subscription, past: None, session, permit, entry, may_rest: false }
    }

    /// What a lane begins with, once the client was sent the opening.
    pub(crate) fn resting(self) -> Resting {
        let Self { front, follower, attendance, session, permit, entry, access, deflates, .. } = self;
        let quiet = QuietSocket { front, access, pace: Pace::new(Instant::now()), deflates };
        let handed = Handed { follower, attendance, past: None, session, permit };
        Resting { quiet, handed, entry }
    }
}

/// Who has opened a socket.
pub(crate) fn visitor(front: &Front, session: Option<&Arc<Session>>) -> Visitor {
    let transport = Encoder::WebSocket.transport();
    Visitor { session: session.cloned(), address: front.peer(), transport }
}

/// Answers a handshake, behind which the socket begins.
pub(crate) fn begin(handshake: Handshake, socket: Socket) -> Response<Body> {
    let answer = handshake.answer();
    match handshake.exit {
        Exit::Slot(slot) => slot.leave_socket(Box::new(socket)),
        Exit::Upgrade(upgrade) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "its server is another program's, and waits for nobody; it ends with its client, or by the drain"
            )]
            let task = tokio::spawn(upgraded(upgrade, socket));
            drop(task);
        }
    }
    answer
}

/// Carries a socket over what hyper hands over once it has written the answer: a connection of another program's server, or a stream
/// of HTTP/2.
pub(crate) async fn upgraded(upgrade: OnUpgrade, socket: Socket) {
    match upgrade.await {
        Ok(upgraded) => {
            let mut stream = Foreign(TokioIo::new(upgraded));
            Box::pin(drive(&mut stream, socket.awake(), Bytes::new())).await;
        }
        Err(error) => tracing::debug!(%error, "a connection does not become a WebSocket"),
    }
}

/// A connection of another program's server, or a stream of HTTP/2, whose socket is not seen.
struct Foreign(TokioIo<Upgraded>);

impl Watched for Foreign {
    fn watch(&self, _: Watchman) {}
}

impl AsyncRead for Foreign {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Foreign {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(context)
    }
}
