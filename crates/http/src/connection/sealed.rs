//! The writing half of a TLS connection, and nothing else: a socket, a key, and the number of the next record.
//!
//! A session of rustls keeps 4 KB for what it may come to read, and both keys. A stream's client has nothing more to
//! say, so its session is let go once the response has begun. What the client still sends cannot be read any more: it is
//! its farewell, behind which the connection closes, or nothing that belongs there.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use rustls::crypto::cipher::{AeadKey, Iv, MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion, SupportedCipherSuite};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::connection::socket::{Raw, Watched, Watchman};
use crate::limits::{TLS_LAST_RECORDS, TLS_RECORD_BYTES_MAX};

/// RFC 8446, 6: warning(1), close_notify(0).
const CLOSE_NOTIFY: [u8; 2] = [1, 0];

/// A TLS 1.3 connection that is written to.
pub(crate) struct Sealed {
    socket: TcpStream,
    encrypter: Box<dyn MessageEncrypter>,
    /// The number of the next record. With one key, no two may have the same.
    sequence: u64,
    /// RFC 8446, 5.5: no key may be used for more.
    sequence_max: u64,
    /// The rest of a record that the socket did not take.
    waiting: Bytes,
    /// The closing record was made.
    closed: bool,
}

impl Sealed {
    /// Whether it can stand in for a session: not for one of TLS 1.2, which has other records, nor for one that still
    /// has to write.
    pub(crate) fn can_replace(stream: &TlsStream<TcpStream>) -> bool {
        let session = stream.get_ref().1;
        session.protocol_version() == Some(ProtocolVersion::TLSv1_3) && !session.wants_write()
    }

    /// Goes on with the key of a session.
    pub(crate) fn replace(stream: Box<TlsStream<TcpStream>>) -> io::Result<Self> {
        let (socket, session) = stream.into_inner();
        let Some(SupportedCipherSuite::Tls13(suite)) = session.negotiated_cipher_suite() else {
            return Err(io::Error::other("only a session of TLS 1.3 can be replaced"));
        };
        let (sequence, secrets) = session.dangerous_extract_secrets().map_err(io::Error::other)?.tx;
        let (key, iv) = parts(secrets).ok_or_else(|| io::Error::other("a key of an unknown kind"))?;
        Ok(Self {
            socket,
            encrypter: suite.aead_alg.encrypter(key, iv),
            sequence,
            sequence_max: suite.common.confidentiality_limit,
            waiting: Bytes::new(),
            closed: false,
        })
    }

    /// Makes the next record; the one before must have left.
    fn seal(&mut self, typ: ContentType, payload: OutboundChunks<'_>) -> io::Result<()> {
        let message = OutboundPlainMessage { typ, version: ProtocolVersion::TLSv1_3, payload };
        let record = self.encrypter.encrypt(message, self.sequence).map_err(io::Error::other)?;
        self.sequence += 1;
        self.waiting = record.encode().into();
        Ok(())
    }

    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.waiting.has_remaining() {
            match ready!(Pin::new(&mut self.socket).poll_write(context, &self.waiting))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.waiting.advance(written),
            }
        }
        // Else a slice of nothing would keep the record in memory.
        self.waiting = Bytes::new();
        Poll::Ready(Ok(()))
    }

    /// Takes as much as a record holds. What the socket does not take now is waited for by the next call.
    fn poll_seal(&mut self, context: &mut Context<'_>, slices: &[&[u8]]) -> Poll<io::Result<usize>> {
        ready!(self.poll_waiting(context))?;
        if self.closed || self.sequence.saturating_add(TLS_LAST_RECORDS) >= self.sequence_max {
            return Poll::Ready(Err(io::Error::other("the key of the connection is used up")));
        }
        let (payload, _) = OutboundChunks::new(slices).split_at(TLS_RECORD_BYTES_MAX);
        let taken = payload.len();
        self.seal(ContentType::ApplicationData, payload)?;
        match self.poll_waiting(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(taken)),
        }
    }
}

fn parts(secrets: ConnectionTrafficSecrets) -> Option<(AeadKey, Iv)> {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => Some((key, iv)),
        _ => None,
    }
}

impl Watched for Sealed {
    fn watch(&self, by: Watchman) {
        self.socket.watch(by);
    }
}

impl Raw for Sealed {
    fn poll_read_raw(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_read_raw(context, buffer)
    }
}

impl AsyncRead for Sealed {
    /// What the client sends, still encrypted: it is counted and thrown away.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Sealed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_seal(context, &[bytes])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let slices: Vec<&[u8]> = slices.iter().map(|slice| &**slice).collect();
        self.poll_seal(context, &slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_waiting(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_waiting(context))?;
        if !self.closed {
            self.closed = true;
            self.seal(ContentType::Alert, OutboundChunks::Single(&CLOSE_NOTIFY))?;
            ready!(self.poll_waiting(context))?;
        }
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
