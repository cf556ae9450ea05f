//! One subscriber of a benchmark: a socket, the head of the answer, and a decoder. Works against any SSE server, and by WebSocket
//! against a tidings hub.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use super::messages::Messages;
use super::polling::Polling;
use crate::limits::HEAD_BYTES_MAX;
use mio::net::TcpStream;
use tidings_sse::Decoder;
use tidings_sse::decode::{Event, Item};

/// Where in the answer the next byte stands.
enum AnswerPart {
    Head(Vec<u8>),
    /// A body that ends with the connection.
    Raw,
    /// One with so many bytes to come, after which another request is sent.
    Whole(usize),
    Chunked(Chunk),
    /// The frames of a WebSocket.
    Messages(Messages),
}

/// Where in a chunk the next byte stands.
enum Chunk {
    /// In the line with the size, of which so much has been read.
    Size(usize),
    /// So many bytes of it are to come.
    Data(usize),
    /// In the line end after it.
    End,
}

/// What a socket had.
enum Got {
    Bytes(usize),
    Nothing,
    End,
}

/// What a subscriber has heard.
pub(super) enum Said<'a> {
    /// In an event stream.
    Item(Item<'a>),
    /// The data of an event that somebody published, by WebSocket.
    Message(&'a str),
}

/// A subscriber.
pub(super) struct Subscriber {
    pub(super) socket: TcpStream,
    part: AnswerPart,
    decoder: Decoder,
    /// What it sends when an answer has ended.
    polling: Option<Polling>,
    /// The head of an answer has come.
    is_open: bool,
    /// Bytes that have come, heads included.
    pub(super) bytes: u64,
}

impl Subscriber {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self::going_on(socket, Decoder::new())
    }

    /// One that was connected before.
    pub(super) fn going_on(socket: TcpStream, mut decoder: Decoder) -> Self {
        decoder.reconnect();
        let part = AnswerPart::Head(Vec::new());
        Self { socket, part, decoder, polling: None, is_open: false, bytes: 0 }
    }

    /// The same, whose answers end if this is not none.
    pub(super) fn polling(self, polling: Option<Polling>) -> Self {
        Self { polling, ..self }
    }

    /// What is kept for the next connection.
    pub(super) fn into_decoder(self) -> Decoder {
        self.decoder
    }

    /// The id that it would resume by.
    pub(super) fn last_event_id(&self) -> &str {
        self.decoder.last_event_id()
    }

    /// Whether an answer's head has come.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Reads what the socket has, and calls `heard` with the data of each event that somebody published. Whether the stream goes on: an end that
    /// comes together with bytes may be noticed late or, if the system tells of each thing once, never.
    pub(super) fn read(&mut self, buffer: &mut [u8], mut heard: impl FnMut(&str)) -> io::Result<bool> {
        let mut events = |said: Said<'_>| match said {
            Said::Item(Item::Event(event)) if !is_own(&event) => heard(event.data),
            Said::Item(_) => {}
            Said::Message(data) => heard(data),
        };
        loop {
            match self.read_once(buffer, &mut events)? {
                // A short read has emptied the socket; the next byte rings again.
                Got::Bytes(count) if count < buffer.len() => return Ok(true),
                Got::Bytes(_) => {}
                Got::Nothing => return Ok(true),
                Got::End => return Ok(false),
            }
        }
    }

    /// Reads what the socket has, and calls `heard` with all that the decoder reports. Whether the stream goes on.
    pub(super) fn read_to_end(
        &mut self,
        buffer: &mut [u8],
        mut heard: impl FnMut(Item<'_>),
    ) -> io::Result<bool> {
        let mut items = |said: Said<'_>| match said {
            Said::Item(item) => heard(item),
            Said::Message(_) => {}
        };
        loop {
            match self.read_once(buffer, &mut items)? {
                Got::Bytes(_) => {}
                Got::Nothing => return Ok(true),
                Got::End => return Ok(false),
            }
        }
    }

    fn read_once(&mut self, buffer: &mut [u8], heard: &mut impl FnMut(Said<'_>)) -> io::Result<Got> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return Ok(Got::End),
                Ok(count) => {
                    self.bytes += count as u64;
                    self.take(&buffer[..count], heard)?;
                    return Ok(Got::Bytes(count));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Got::Nothing),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, mut bytes: &[u8], heard: &mut impl FnMut(Said<'_>)) -> io::Result<()> {
        while !bytes.is_empty() {
            match &mut self.part {
                AnswerPart::Head(head) => {
                    let before = head.len();
                    head.extend_from_slice(bytes);
                    let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
                        return if head.len() > HEAD_BYTES_MAX {
                            Err(not_a_stream("its head has no end"))
                        } else {
                            Ok(())
                        };
                    };
                    bytes = &bytes[end + 4 - before..];
                    self.part = part_after(&head[..end], self.polling.is_some())?;
                    self.is_open = true;
                }
                AnswerPart::Whole(left) => {
                    let (data, rest) = bytes.split_at(bytes.len().min(*left));
                    decode(&mut self.decoder, data, heard)?;
                    *left -= data.len();
                    bytes = rest;
                    if *left == 0 {
                        self.poll_again()?;
                    }
                }
                AnswerPart::Raw => {
                    decode(&mut self.decoder, bytes, heard)?;
                    return Ok(());
                }
                AnswerPart::Messages(messages) => {
                    messages.take(bytes, heard)?;
                    return Ok(());
                }
                AnswerPart::Chunked(chunk) => bytes = take_chunked(chunk, &mut self.decoder, bytes, heard)?,
            }
        }
        Ok(())
    }

    /// Asks for what comes after the answer that has ended.
    fn poll_again(&mut self) -> io::Result<()> {
        let Some(polling) = &self.polling else { return Ok(()) };
        self.decoder.reconnect();
        self.part = AnswerPart::Head(Vec::new());
        // It is small, and the server has read all that was sent before.
        self.socket.write_all(polling.next(self.decoder.last_event_id()).as_bytes())
    }
}

fn part_after(head: &[u8], is_poll: bool) -> io::Result<AnswerPart> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap_or("none");
    if status == "101" {
        return Ok(AnswerPart::Messages(Messages::default()));
    }
    if status != "200" {
        return Err(not_a_stream(&format!("its status is {status}")));
    }
    if is_poll {
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        return length.map(AnswerPart::Whole).ok_or_else(|| not_a_stream("it is a poll without a length"));
    }
    let chunked =
        head.lines().any(|line| line.starts_with("transfer-encoding:") && line.ends_with("chunked"));
    Ok(if chunked { AnswerPart::Chunked(Chunk::Size(0)) } else { AnswerPart::Raw })
}

fn take_chunked<'a>(
    chunk: &mut Chunk,
    decoder: &mut Decoder,
    bytes: &'a [u8],
    heard: &mut impl FnMut(Said<'_>),
) -> io::Result<&'a [u8]> {
    match chunk {
        Chunk::Size(size) => {
            let (byte, rest) = (bytes[0], &bytes[1..]);
            match char::from(byte).to_digit(16) {
                Some(digit) => *chunk = Chunk::Size(*size * 16 + digit as usize),
                None if byte == b'\n' => *chunk = Chunk::Data(*size),
                None => {}
            }
            Ok(rest)
        }
        Chunk::Data(left) => {
            let (data, rest) = bytes.split_at(bytes.len().min(*left));
            decode(decoder, data, heard)?;
            *left -= data.len();
            if *left == 0 {
                *chunk = Chunk::End;
            }
            Ok(rest)
        }
        Chunk::End => {
            if bytes[0] == b'\n' {
                *chunk = Chunk::Size(0);
            }
            Ok(&bytes[1..])
        }
    }
}

fn decode(decoder: &mut Decoder, bytes: &[u8], heard: &mut impl FnMut(Said<'_>)) -> io::Result<()> {
    let mut feed = decoder.feed(bytes);
    while let Some(item) = feed.next().map_err(|error| not_a_stream(&error.to_string()))? {
        heard(Said::Item(item));
    }
    Ok(())
}

/// A hub says something about its stream by such an event. Publishers cannot use these types.
pub(super) fn is_own(event: &Event<'_>) -> bool {
    event.event_type.is_some_and(is_own_type)
}

/// Whether the hub alone uses a type.
pub(super) fn is_own_type(event_type: &str) -> bool {
    event_type.starts_with("tidings.")
}

pub(super) fn not_a_stream(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the answer is no event stream: {why}"))
}

/// The request of a subscriber.
pub(super) fn request(host: &str, target: &str, more: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n{more}\r\n")
}

/// Connects and sends a request, both at once as far as the system allows.
pub(super) fn connect(address: SocketAddr, request: &str) -> io::Result<TcpStream> {
    let mut socket = std::net::TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.write_all(request.as_bytes())?;
    socket.set_nonblocking(true)?;
    Ok(TcpStream::from_std(socket))
}
