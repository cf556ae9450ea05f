//! Bytes of an answer that may be compressed, as they are when nothing compresses them.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::limits::{DOCTOR_ANSWER_BYTES_MAX, DOCTOR_INFLATE_BYTES};

/// Decompresses what comes.
pub(super) enum Inflate {
    /// There is nothing to do.
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// A coding that nobody asked for.
    Strange(String),
}

impl Inflate {
    /// What the head of an answer says.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let codings = headers.get_all(CONTENT_ENCODING).iter();
        let codings: Vec<_> = codings.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        match codings.join(",").trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Self::Plain,
            "gzip" | "x-gzip" => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            other => Self::Strange(other.to_owned()),
        }
    }

    /// Whether the answer is compressed.
    pub(super) fn is_needed(&self) -> bool {
        !matches!(self, Self::Plain)
    }

    /// The bytes that these are. What is compressed to bring this program down comes to little more than the bound.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(bytes.to_vec()),
            Self::Gzip(decoder) => {
                let mut plain = Vec::new();
                for part in bytes.chunks(DOCTOR_INFLATE_BYTES) {
                    decoder.write_all(part)?;
                    decoder.flush()?;
                    plain.append(decoder.get_mut());
                    if plain.len() > DOCTOR_ANSWER_BYTES_MAX {
                        break;
                    }
                }
                Ok(plain)
            }
            Self::Strange(coding) => {
                Err(io::Error::other(format!("it is compressed by {coding}, which was not asked for")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip() -> Inflate {
        Inflate::of(&HeaderMap::from_iter([(CONTENT_ENCODING, "gzip".parse().unwrap())]))
    }

    #[test]
    fn what_has_arrived_is_there_at_once_whatever_its_pieces() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b": heartbeat\n\n").unwrap();
        encoder.flush().unwrap();
        let compressed = std::mem::take(encoder.get_mut());

        let mut inflate = gzip();
        let plain: Vec<u8> = compressed.iter().flat_map(|byte| inflate.bytes(&[*byte]).unwrap()).collect();

        assert_eq!(plain, b": heartbeat\n\n");
    }

    #[test]
    fn a_bomb_is_left_alone() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        for _ in 0..64 {
            encoder.write_all(&vec![b'x'; 1 << 20]).unwrap();
        }
        let bomb = encoder.finish().unwrap();

        let plain = gzip().bytes(&bomb).unwrap();

        assert!(plain.len() < 4 << 20, "{}", plain.len());
    }

    #[test]
    fn what_is_no_gzip_is_an_error() {
        assert!(gzip().bytes(b"no gzip at all, and long enough for a head").is_err());
    }
}
