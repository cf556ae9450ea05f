//! Why there is no HTTP with a server, in words for people: the errors of rustls and hyper are for programmers.
//!
//! Most of these are mistakes in a URL, so the words say what to write in its place.

use std::error::Error;
use std::io;

use hyper_util::client::legacy;
use rustls::CertificateError;
use url::Url;

use crate::error::BoxError;
use crate::limits::SAID_CHARS_MAX;
use crate::said;

/// A cause that does not pass by itself.
#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("what answers there does not speak TLS; for plain HTTP write {plain}")]
    NoTls { plain: String },
    #[error("what answers there does not speak HTTP ({said}); if it wants TLS, write {tls}")]
    NoHttp { said: String, tls: String },
    #[error("its answer is not HTTP ({said})")]
    NoHttpInTls { said: String },
    #[error("{words}")]
    Certificate {
        words: String,
        /// No source: the words say what it says.
        rustls: rustls::Error,
    },
}

/// An error without its outermost part, which only says in which step of a request it was.
#[derive(Debug)]
struct Behind(legacy::Error);

/// The error of a request to this URL, in words for people if it is one of those that need them.
pub(crate) fn of(url: &Url, error: impl Into<BoxError>) -> BoxError {
    let error = error.into();
    match find(url, &*error) {
        Some(cause) => cause.into(),
        None => error,
    }
}

/// The same for an error of a client with a pool.
pub(crate) fn of_pooled(url: &Url, error: legacy::Error) -> BoxError {
    match find(url, &error) {
        Some(cause) => cause.into(),
        None => Behind(error).into(),
    }
}

/// Whether the URL, or the set of trusted certificates, is the first thing to look at.
pub(crate) fn is_mistake(error: &BoxError) -> bool {
    error.is::<Cause>()
}

fn find(url: &Url, error: &(dyn Error + 'static)) -> Option<Cause> {
    let mut next = Some(error);
    while let Some(error) = next {
        // The source of an I/O error is that of the error inside of it, which is passed over by that.
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            next = Some(inner);
            continue;
        }
        if let Some(cause) = error.downcast_ref().and_then(|error| of_tls(url, error)) {
            return Some(cause);
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>().filter(|error| error.is_parse()) {
            let said = said::line(&error.to_string(), SAID_CHARS_MAX);
            return Some(match url.scheme() {
                "https" => Cause::NoHttpInTls { said },
                _ => Cause::NoHttp { said, tls: with_scheme("https", url) },
            });
        }
        next = error.source();
    }
    None
}

fn of_tls(url: &Url, error: &rustls::Error) -> Option<Cause> {
    let words = match error {
        rustls::Error::InvalidMessage(_) => {
            return Some(Cause::NoTls { plain: with_scheme("http", url) });
        }
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer => {
                "its certificate is signed by no authority that is trusted here".to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired, or the clock of this machine is wrong".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet, or the clock of this machine is wrong".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                let host = url.host_str().unwrap_or_default();
                format!(
                    "its certificate is for another name than {host}: {}",
                    said::line(&why.to_string(), SAID_CHARS_MAX)
                )
            }
            // webpki says so of a certificate that says that it is a CA, before it looks who has signed it: `openssl req -x509`.
            CertificateError::Other(why) if why.to_string().contains("CaUsedAsEndEntity") => {
                "its certificate is signed by itself, and by no authority that is trusted here".to_owned()
            }
            _ => {
                format!("its certificate cannot be trusted: {}", said::line(&why.to_string(), SAID_CHARS_MAX))
            }
        },
        _ => return None,
    };
    Some(Cause::Certificate { words, rustls: error.clone() })
}

/// The server of a URL, at the same port.
fn with_scheme(scheme: &str, url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

impl std::fmt::Display for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.source() {
            Some(error) => write!(f, "{error}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Error for Behind {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()?.source()
    }
}
