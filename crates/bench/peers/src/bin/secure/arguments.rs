//! The command line: a command, a URL, and options with a value each.

use std::collections::HashMap;
use std::io;

use hyper::Uri;

use crate::connection::Protocol;

pub(crate) struct Arguments {
    pub(crate) command: String,
    pub(crate) url: Uri,
    options: HashMap<String, String>,
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> io::Result<Self> {
        let (Some(command), Some(address)) = (words.next(), words.next()) else {
            return Err(io::Error::other(
                "usage: secure idle|streams|fanout URL --pid PID --fingerprint SHA256",
            ));
        };
        let mut options = HashMap::new();
        while let Some(word) = words.next() {
            let (Some(name), Some(value)) = (word.strip_prefix("--"), words.next()) else {
                return Err(io::Error::other(format!("{word} is no option with a value")));
            };
            options.insert(name.to_owned(), value);
        }
        Ok(Self { command, url: url(&address)?, options })
    }

    pub(crate) fn number(&self, name: &str, default: usize) -> io::Result<usize> {
        let Some(text) = self.options.get(name) else { return Ok(default) };
        text.parse().map_err(|_| io::Error::other(format!("--{name} {text} is no number")))
    }

    pub(crate) fn pid(&self) -> io::Result<usize> {
        match self.number("pid", 0)? {
            0 => Err(io::Error::other("--pid needs the process of the server")),
            pid => Ok(pid),
        }
    }

    pub(crate) fn protocol(&self) -> io::Result<Protocol> {
        match self.options.get("protocol").map_or("h1", String::as_str) {
            "h1" => Ok(Protocol::Http1),
            "h2" => Ok(Protocol::Http2),
            other => Err(io::Error::other(format!("--protocol {other} is neither h1 nor h2"))),
        }
    }

    /// Where events are published: where they are subscribed to, unless the server has another place for it.
    pub(crate) fn publish_url(&self) -> io::Result<Uri> {
        self.options.get("publish-url").map_or_else(|| Ok(self.url.clone()), |text| url(text))
    }

    /// 64 hexadecimal digits, with or without colons.
    pub(crate) fn fingerprint(&self) -> io::Result<[u8; 32]> {
        let text = self.options.get("fingerprint").map_or("", String::as_str).replace(':', "");
        let byte = |at: usize| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok();
        let bytes: Option<Vec<_>> = (0..text.len().div_ceil(2)).map(byte).collect();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| io::Error::other("--fingerprint needs the SHA-256 of the server's certificate"))
    }
}

fn url(text: &str) -> io::Result<Uri> {
    let url: Uri = text.parse().map_err(|error| io::Error::other(format!("{text}: {error}")))?;
    match (url.scheme_str(), url.port_u16()) {
        (Some("https"), Some(_)) => Ok(url),
        _ => Err(io::Error::other(format!("{text} is not https://HOST:PORT/PATH"))),
    }
}
