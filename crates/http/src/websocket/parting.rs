//! The parting of a socket: its last bytes, and the time that its client has to close it, too.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::close::CloseCode;
use super::driver::read;
use super::quiet::QuietSocket;
use super::reader::{Came, MessageReader};
use crate::access_log::AccessEntry;
use crate::answer::watch::AnswerWatch;
use crate::connection::carry::BlockWriter;
use crate::connection::socket::Watched;
use crate::lane::{Framing, Unwritten};
use crate::limits::SOCKET_CLOSE_WAIT_MAX;
use crate::stream::Ending;
use crate::stream::encode::socket_frame;

/// Writes the last bytes, and waits for a time until the client has closed the socket: if it `waits`, for its close first.
pub(super) async fn part<S>(
    stream: &mut S,
    mut writer: BlockWriter<'_>,
    mut reader: MessageReader,
    last: Bytes,
    waits: bool,
) where
    S: AsyncRead + AsyncWrite + Watched + Unpin,
{
    if writer.write(stream, last).await.is_err() {
        return;
    }
    // RFC 6455, 7.1.1: the client closes first what it has read to its end, and is waited for so that it can.
    let _ = timeout(SOCKET_CLOSE_WAIT_MAX, async {
        if waits {
            until_close(stream, &mut reader).await;
        }
        let _ = stream.shutdown().await;
        while read(stream, &mut reader).await.is_ok_and(|count| count > 0) {
            reader.forget();
        }
    })
    .await;
}

/// Tells the end to the client of a socket that was parked.
pub(crate) async fn tell_end<S>(
    stream: &mut S,
    quiet: QuietSocket,
    unwritten: Unwritten,
    farewell: Bytes,
    ending: Ending,
    entry: Option<AccessEntry>,
) where
    S: AsyncRead + AsyncWrite + Watched + Unpin,
{
    let QuietSocket { front, pace, .. } = quiet;
    let Unwritten { pieces, kept } = unwritten;
    let watch = AnswerWatch::default();
    watch.holds(kept.as_ref().map(|kept| kept.let_go().clone()));
    let mut writer = BlockWriter { front: &front, framing: Framing::Raw, watch: watch.clone(), entry };
    // What a client was told in the middle of a frame would be taken for a part of it.
    for piece in pieces {
        let length = piece.len();
        if writer.write(stream, piece).await.is_err() {
            return;
        }
        kept.iter().for_each(|kept| kept.took(length));
    }
    watch.holds(None);
    drop(kept);
    let code = CloseCode::of(ending).unwrap_or(CloseCode::NORMAL);
    let last = [farewell, socket_frame::close(code.0, ending.code())].concat().into();
    part(stream, writer, MessageReader::new(0, pace, false), last, true).await;
}

/// Waits for the close of a client, and passes over everything else.
async fn until_close<S: AsyncRead + Unpin>(stream: &mut S, reader: &mut MessageReader) {
    loop {
        match reader.next(Instant::now()) {
            Ok(Some(Came::Close(_))) | Err(_) => return,
            Ok(Some(_)) => {}
            Ok(None) => match read(stream, reader).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            },
        }
    }
}
