//! WebSockets over plain HTTP/1.1, between a lane and a task: a lane has a socket while its client says nothing, and a task has it while
//! it speaks, and at its end.
//!
//! A task costs some kilobytes and a lane some hundred bytes, and most clients say nothing most of the time.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::carry::BlockWriter;
use super::parked_hold::{HeldApart, ParkedHold};
use super::places::Place;
use crate::answer::watch::AnswerWatch;
use crate::lane::{Framing, Lanes, Left, Parked, Unparked};
use crate::stream::task::Handed;
use crate::stream::{Encoder, Ending};
use crate::websocket::driver::drive;
use crate::websocket::parting::tell_end;
use crate::websocket::quiet::{Awake, QuietSocket, Resting};
use crate::websocket::socket::{self, Socket};

/// Where the sockets of a server are carried.
pub(crate) struct Sockets {
    /// Held by what is parked there, too.
    lanes: Weak<Lanes<ParkedHold>>,
    /// The server waits for these.
    tasks: TaskTracker,
    runtime: Handle,
}

impl Sockets {
    /// To be called in the runtime of the server.
    pub(crate) fn new(lanes: &Arc<Lanes<ParkedHold>>, tasks: TaskTracker) -> Arc<Self> {
        Arc::new(Self { lanes: Arc::downgrade(lanes), tasks, runtime: Handle::current() })
    }

    /// Goes on with a connection whose handshake was answered. `unread` is what the client has sent behind it.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        mut stream: TcpStream,
        mut socket: Box<Socket>,
        unread: Bytes,
        place: Option<Place>,
    ) {
        if !unread.is_empty() || socket.front.drain().has_begun() {
            return self.carry(stream, Awake { may_rest: true, ..socket.awake() }, unread, place).await;
        }
        let opening = std::mem::take(&mut socket.opening);
        let front = &socket.front;
        let (watch, entry) = (AnswerWatch::default(), socket.entry.take());
        let mut writer = BlockWriter { front, framing: Framing::Raw, watch, entry };
        let written = writer.write(&mut stream, opening).await;
        let BlockWriter { entry, .. } = writer;
        match written {
            Ok(()) => self.park(stream, Resting { entry, ..socket.resting() }, place),
            Err(ending) => {
                tracing::debug!(%ending, "a WebSocket ends before its opening was written");
                front.metrics().streams().ended(ending);
            }
        }
    }

    /// Takes a socket back from a lane, whose thread calls this.
    pub(super) fn take_back(self: Arc<Self>, unparked: Unparked, quiet: QuietSocket, held: HeldApart) {
        let (tasks, runtime) = (self.tasks.clone(), self.runtime.clone());
        drop(tasks.spawn_on(Box::pin(self.go_on(unparked, quiet, held)), &runtime));
    }

    async fn go_on(self: Arc<Self>, unparked: Unparked, quiet: QuietSocket, held: HeldApart) {
        let Unparked { stream, entry, left } = unparked;
        let HeldApart { place, permit, session, socket: _ } = held;
        let mut stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not leave its lane and is closed");
                if matches!(left, Left::Called { .. }) {
                    quiet.front.metrics().streams().ended(Ending::ClientGone);
                }
                return;
            }
        };
        match left {
            Left::Called { follower, attendance, past } => {
                let front = &quiet.front;
                let visitor = socket::visitor(front, session.as_ref());
                let subscription = front.hub().follow(follower, visitor, attendance);
                let (opening, past, may_rest) = (None, Some(past), true);
                let awake = Awake { quiet, opening, subscription, past, session, permit, entry, may_rest };
                self.carry(stream, awake, Bytes::new(), place).await;
            }
            Left::Ended { ending, unwritten, farewell } => {
                // It is no stream any more.
                drop(permit);
                tell_end(&mut stream, quiet, unwritten, farewell, ending, entry).await;
                drop(place);
            }
        }
    }

    async fn carry(
        self: &Arc<Self>,
        mut stream: TcpStream,
        awake: Awake,
        unread: Bytes,
        place: Option<Place>,
    ) {
        if let Some(resting) = Box::pin(drive(&mut stream, awake, unread)).await {
            self.park(stream, resting, place);
        }
    }

    fn park(self: &Arc<Self>, stream: TcpStream, resting: Resting, place: Option<Place>) {
        let Resting { quiet, handed, entry } = resting;
        let coded = quiet.coded();
        let Handed { follower, attendance, past, session, permit } = handed;
        let stream = match stream.into_std() {
            Ok(stream) => stream,
            Err(error) => {
                quiet.front.metrics().streams().ended(Ending::ClientGone);
                return tracing::debug!(%error, "a connection cannot be parked");
            }
        };
        let socket = Some((self.clone(), quiet));
        let held = ParkedHold::Apart(Box::new(HeldApart { place, permit, session, socket }));
        let Some(lanes) = self.lanes.upgrade() else { return };
        lanes.park(Parked {
            stream,
            follower,
            is_opened: true,
            past,
            encoder: Encoder::WebSocket,
            framing: Framing::Raw,
            coded,
            attendance,
            entry,
            held,
        });
    }
}
