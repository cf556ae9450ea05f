//! The last moments of a connection.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How much a peer may still send after the last answer, in reads of 16 KiB, and for how long.
const READS_MAX: usize = 128;
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Closes a connection so that the peer can read the last answer: bytes of its that nobody read would reset it.
pub(crate) async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let mut unread = vec![0; 16_384];
    let read = async {
        stream.shutdown().await?;
        for _ in 0..READS_MAX {
            if stream.read(&mut unread).await? == 0 {
                break;
            }
        }
        Ok::<_, io::Error>(())
    };
    // Whoever goes on sending for longer has been answered as well as can be.
    let _ = timeout(WAIT_MAX, read).await;
}
