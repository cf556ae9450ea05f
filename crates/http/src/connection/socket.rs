//! The socket of an accepted connection: what it is told before anything is read from it, who notices that its peer has gone,
//! and how it is reset.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::limits::{KEEPALIVE_INTERVAL, KEEPALIVE_PROBE_INTERVAL, KEEPALIVE_PROBES_MAX};
#[cfg(target_os = "linux")]
use crate::limits::{UNACKNOWLEDGED_WAIT_MAX, UNSENT_BYTES_MAX};

/// Small writes leave at once, a dead peer is noticed two minutes after the last byte while nothing is under way, and a
/// stalled one is owed little by the system.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_INTERVAL);
    let keepalive = keepalive.with_interval(KEEPALIVE_PROBE_INTERVAL).with_retries(KEEPALIVE_PROBES_MAX);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    Ok(())
}

/// Who notices that a peer takes nothing of what was written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watchman {
    /// The system, after `UNACKNOWLEDGED_WAIT_MAX`: for a stream of which all bytes were written, whose peer may have gone.
    /// Linux also ends a peer that reads steadily, but so slowly that it has no room for the next packet in all that time.
    System,
    /// The hub, by `write_wait_max`: it waits until more can be written.
    Hub,
}

/// Tells a socket who watches it from now on.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "other systems have no such wait"))]
pub(crate) fn watch(socket: SockRef<'_>, by: Watchman) {
    #[cfg(target_os = "linux")]
    {
        let wait = (by == Watchman::System).then_some(UNACKNOWLEDGED_WAIT_MAX);
        if let Err(error) = socket.set_tcp_user_timeout(wait) {
            tracing::debug!(%error, "a socket does not take the wait for acknowledgements");
        }
    }
}

/// A connection over whose socket a stream is written.
pub(crate) trait Watched {
    fn watch(&self, by: Watchman);
}

impl Watched for TcpStream {
    fn watch(&self, by: Watchman) {
        watch(SockRef::from(self), by);
    }
}

impl Watched for Box<TlsStream<TcpStream>> {
    fn watch(&self, by: Watchman) {
        self.get_ref().0.watch(by);
    }
}

/// A connection that can be ended so that its peer sees an error, and takes nothing of it for whole.
pub(crate) trait Reset {
    fn reset(self);
}

impl Reset for TcpStream {
    fn reset(self) {
        if let Err(error) = self.set_zero_linger() {
            tracing::debug!(%error, "a connection is closed in good order, because it cannot be reset");
        }
    }
}

impl Reset for Box<TlsStream<TcpStream>> {
    /// Without `close_notify`, which would say that all has been sent.
    fn reset(self) {
        (*self).into_inner().0.reset();
    }
}

/// A connection that can be read from without making sense of what comes.
pub(crate) trait Raw {
    /// Reads what the peer sends as it arrives at the socket: over TLS encrypted, since to decrypt what nobody wants is work for
    /// nothing.
    fn poll_read_raw(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>>;

    /// Whether the peer has sent more, or has no more to send. Takes nothing of it. Never where that cannot be seen.
    fn poll_peek_raw(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Raw for TcpStream {
    fn poll_read_raw(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(self).poll_read(context, buffer)
    }

    fn poll_peek_raw(&self, context: &mut Context<'_>) -> Poll<()> {
        self.poll_peek(context, &mut ReadBuf::new(&mut [0])).map(|_| ())
    }
}

impl Raw for Box<TlsStream<TcpStream>> {
    fn poll_read_raw(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().0.poll_read_raw(context, buffer)
    }

    fn poll_peek_raw(&self, context: &mut Context<'_>) -> Poll<()> {
        self.get_ref().0.poll_peek_raw(context)
    }
}

#[cfg(test)]
impl Raw for tokio::io::DuplexStream {
    fn poll_read_raw(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(self).poll_read(context, buffer)
    }
}

#[cfg(test)]
impl Watched for tokio::io::DuplexStream {
    fn watch(&self, _: Watchman) {}
}

#[cfg(test)]
impl Reset for tokio::io::DuplexStream {
    fn reset(self) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;

    /// More than a peer's system keeps unread for it, which begins with 64 KiB and grows only as it reads.
    const UNREAD_BYTES_MAX: usize = 262_144;

    #[tokio::test]
    async fn the_system_takes_little_for_a_peer_that_does_not_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();

        prepare(&stream).unwrap();

        let taken = write_until_blocked(&stream).await;
        assert!(taken <= UNREAD_BYTES_MAX + 2 * UNSENT_BYTES_MAX as usize, "{taken} bytes");
    }

    /// Bytes written until the socket has taken none for a moment.
    async fn write_until_blocked(stream: &TcpStream) -> usize {
        let piece = vec![0; 65_536];
        let mut taken = 0;
        while tokio::time::timeout(Duration::from_millis(200), stream.writable()).await.is_ok() {
            match stream.try_write(&piece) {
                Ok(count) => taken += count,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        taken
    }
}
