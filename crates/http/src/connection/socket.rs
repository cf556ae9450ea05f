//! The socket of an accepted connection: what it is told before anything is read from it.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How long a peer may leave bytes unacknowledged before it counts as dead. TCP's keep-alive does not run then.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(60);

/// Bytes that the system takes for a peer that does not take them. Without a bound of ours it is 4 MiB for each: a
/// reader that comes to itself would first hear what was new long ago, even from a hub that has ended. What is
/// under way to the peer does not count, so no distance makes this too little; it is two of a lane's batches.
#[cfg(target_os = "linux")]
const UNSENT_BYTES_MAX: u32 = 131_072;

/// Silence after which the system asks whether the peer is there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Small writes leave at once, dead peers are noticed, and a stalled one is owed little by the system.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
        socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
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
