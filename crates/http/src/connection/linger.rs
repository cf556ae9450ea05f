//! The last moments of a connection.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::limits::{LINGER_READ_BYTES, LINGER_READS_MAX, LINGER_WAIT_MAX};

/// Closes a connection so that the peer can read the last answer: bytes of the peer that are left unread would reset it.
pub(crate) async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let mut unread = vec![0; LINGER_READ_BYTES];
    let read = async {
        stream.shutdown().await?;
        for _ in 0..LINGER_READS_MAX {
            if stream.read(&mut unread).await? == 0 {
                break;
            }
        }
        Ok::<_, io::Error>(())
    };
    // A peer that goes on sending for longer has been answered as well as possible.
    let _ = timeout(LINGER_WAIT_MAX, read).await;
}
