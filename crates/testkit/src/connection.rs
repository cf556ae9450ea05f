//! A client of a few lines, with nothing of the code under test in it. Every read has a deadline.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::deadline::{Deadline, PATIENCE};

/// A connection to the hub.
pub struct Connection {
    reader: BufReader<TcpStream>,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The code.
    pub status: u16,
    /// By name in lowercase.
    pub headers: BTreeMap<String, String>,
    /// Without its framing.
    pub body: String,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Publishes and waits for the answer. The connection can be used again.
    pub fn post(&mut self, target: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
        self.send("POST", target, headers, body)?;
        self.answer()
    }

    /// Asks and waits for the whole answer.
    pub fn get(&mut self, target: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        self.send("GET", target, headers, "")?;
        self.answer()
    }

    /// Subscribes; the connection is the stream then.
    pub fn subscribe(self, target: &str, last_event_id: Option<&str>) -> io::Result<Stream> {
        let headers: Vec<_> = last_event_id.map(|id| ("Last-Event-ID", id)).into_iter().collect();
        self.subscribe_with(target, &headers)
    }

    /// The same with any headers.
    pub fn subscribe_with(mut self, target: &str, headers: &[(&str, &str)]) -> io::Result<Stream> {
        let headers = [&[("Accept", "text/event-stream")], headers].concat();
        self.send("GET", target, &headers, "")?;
        let (status, headers) = self.head()?;
        if status != 200 {
            return Err(io::Error::other(format!("subscribing was answered {status}")));
        }
        let body = BufReader::new(Body::new(self.reader, &headers));
        Ok(Stream { headers, body, retry: None, last_event_id: String::new() })
    }

    fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> io::Result<()> {
        let host = self.reader.get_ref().peer_addr()?;
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let sent = self.reader.get_mut().write_all(request.as_bytes());
        // A server that refuses a body need not read it; the answer tells, or there is none.
        if body.is_empty() { sent } else { Ok(()) }
    }

    fn answer(&mut self) -> io::Result<Answer> {
        let (status, headers) = self.head()?;
        let mut body = String::new();
        Body::new(&mut self.reader, &headers).read_to_string(&mut body)?;
        Ok(Answer { status, headers, body })
    }

    fn head(&mut self) -> io::Result<(u16, BTreeMap<String, String>)> {
        let status_line = line(&mut self.reader)?;
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut headers = BTreeMap::new();
        loop {
            let line = line(&mut self.reader)?;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let status = status.ok_or_else(|| io::Error::other(format!("no status line: {status_line:?}")))?;
        Ok((status, headers))
    }
}

/// A stream of events.
pub struct Stream {
    /// By name in lowercase.
    pub headers: BTreeMap<String, String>,
    body: BufReader<Body<BufReader<TcpStream>>>,
    /// The last reconnection delay that was sent, in milliseconds.
    pub retry: Option<u64>,
    /// What a browser would send as `Last-Event-ID`.
    pub last_event_id: String,
}

/// An event as a listener gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its type; empty if none was sent.
    pub event: String,
    /// Its lines, with newlines between them.
    pub data: String,
    /// The last id that was sent.
    pub id: String,
}

impl Stream {
    /// The next event; `None` when the stream has ended in good order. What the hub says of the stream's place is passed over.
    #[expect(clippy::should_implement_trait, reason = "the end of a stream and its failure are two things")]
    pub fn next(&mut self) -> io::Result<Option<Heard>> {
        let (mut event, mut data) = (String::new(), Vec::new());
        let mut id = self.last_event_id.clone();
        // Heartbeats do not put it off.
        let deadline = Deadline::new();
        loop {
            deadline.check("another event");
            let Some(line) = self.line()? else { return Ok(None) };
            match line.split_once(':').map(|(field, value)| (field, value.trim_start_matches(' '))) {
                Some(("event", value)) => value.clone_into(&mut event),
                Some(("data", value)) => data.push(value.to_owned()),
                Some(("id", value)) => value.clone_into(&mut id),
                Some(("retry", value)) => self.retry = value.parse().ok(),
                None if line.is_empty() => {
                    self.last_event_id.clone_from(&id);
                    if event == "tidings.open" || event == "tidings.cursor" {
                        (event, data) = (String::new(), Vec::new());
                    } else if !data.is_empty() {
                        return Ok(Some(Heard { event, data: data.join("\n"), id }));
                    }
                }
                Some(_) | None => {}
            }
        }
    }

    /// Reads exactly this text, however it is cut into chunks.
    pub fn expect(&mut self, text: &str) {
        assert_eq!(self.take(text.len()), text);
    }

    /// The next bytes, as text.
    pub fn take(&mut self, bytes: usize) -> String {
        let mut text = vec![0; bytes];
        self.body.read_exact(&mut text).expect("the stream goes on");
        String::from_utf8(text).unwrap()
    }

    /// All that comes until the stream ends in good order.
    pub fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.body.read_to_string(&mut rest).expect("the stream ends in good order");
        rest
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        match self.body.read_line(&mut line)? {
            0 => Ok(None),
            _ if line.ends_with('\n') => Ok(Some(line.trim_end_matches('\n').to_owned())),
            // Half a line: the process died.
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// A body, by its framing.
struct Body<R> {
    reader: R,
    chunked: bool,
    /// The end can be told from a cut.
    framed: bool,
    /// Bytes left of the chunk, or of the body.
    left: u64,
    ended: bool,
}

impl<R: BufRead> Body<R> {
    fn new(reader: R, headers: &BTreeMap<String, String>) -> Self {
        let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
        let length: Option<u64> = headers.get("content-length").and_then(|length| length.parse().ok());
        let left = if chunked { 0 } else { length.unwrap_or(u64::MAX) };
        Self { reader, chunked, framed: chunked || length.is_some(), left, ended: false }
    }

    /// Reads the size of the next chunk; the last has none.
    fn begin_chunk(&mut self) -> io::Result<()> {
        let size = line(&mut self.reader)?;
        self.left = u64::from_str_radix(&size, 16).map_err(io::Error::other)?;
        if self.left == 0 {
            line(&mut self.reader)?;
            self.ended = true;
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunked && self.left == 0 && !self.ended {
            self.begin_chunk()?;
        }
        if self.ended || self.left == 0 {
            return Ok(0);
        }
        let read = (&mut self.reader).take(self.left).read(buffer)?;
        if read == 0 && self.framed {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        if self.chunked && self.left == 0 {
            line(&mut self.reader)?;
        }
        Ok(read)
    }
}

/// A line of a head or of chunked framing, without its end.
fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
