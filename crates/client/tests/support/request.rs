//! A request as it stands on the wire.

use tokio::io::{AsyncRead, AsyncReadExt};

/// A request that was read.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads a request. `None` if the client went away first.
    pub(crate) async fn read(socket: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.ok()?);
        }
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let first = String::from_utf8(lines.next()?.to_vec()).unwrap();
        let headers = lines.filter(|line| !line.is_empty()).map(header).collect();
        let mut words = first.split(' ').map(str::to_owned);
        let mut request = Self { method: words.next()?, path: words.next()?, headers, body: Vec::new() };
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        request.body.resize(length, 0);
        socket.read_exact(&mut request.body).await.ok()?;
        Some(request)
    }

    /// The bytes of a header.
    pub(crate) fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// The text of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.header_bytes(name).map(|value| std::str::from_utf8(value).unwrap())
    }
}

fn header(line: &[u8]) -> (String, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':').unwrap();
    let name = String::from_utf8(line[..colon].to_vec()).unwrap();
    (name.to_ascii_lowercase(), line[colon + 1..].trim_ascii().to_vec())
}
