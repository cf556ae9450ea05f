//! An entry: a request that is not over, and what is counted of its answer.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use http::request::Parts;
use http::{StatusCode, Version};
use tidings_access::Credential;
use tidings_core::UnixMillis;
use tokio::time::Instant;

use super::log::AccessLog;
use super::record::{AccessRecord, escaped_method, escaped_path, escaped_user};

/// A request that is not over. It has its line when the last clone is dropped, so everything that carries the answer holds one.
#[derive(Clone)]
pub struct AccessEntry(Arc<EntryParts>);

struct EntryParts {
    log: AccessLog,
    came_at: UnixMillis,
    began: Instant,
    request: Option<RequestLine>,
    address: Option<IpAddr>,
    user: OnceLock<String>,
    /// The name of the key that it shows.
    key: OnceLock<String>,
    /// 0 until it is answered.
    status: AtomicU16,
    bytes: AtomicU64,
}

/// What is told of a request that could be read.
struct RequestLine {
    method: String,
    path: String,
    version: Version,
}

impl AccessEntry {
    /// Of a request that begins, or, without its parts, of one that cannot be read.
    pub(crate) fn begin(
        log: &AccessLog,
        parts: Option<&Parts>,
        address: Option<IpAddr>,
        came_at: UnixMillis,
    ) -> Self {
        let request = parts.map(|parts| RequestLine {
            method: escaped_method(parts.method.as_str()),
            path: escaped_path(parts.uri.path()),
            version: parts.version,
        });
        Self(Arc::new(EntryParts {
            log: log.clone(),
            came_at,
            began: Instant::now(),
            request,
            address,
            user: OnceLock::new(),
            key: OnceLock::new(),
            status: AtomicU16::new(0),
            bytes: AtomicU64::new(0),
        }))
    }

    /// Its sender is known.
    pub(crate) fn is_of(&self, user: &str) {
        self.0.user.get_or_init(|| escaped_user(user));
    }

    /// What it shows is known. A named key is told by its name.
    pub(crate) fn is_by(&self, credential: &Credential) {
        if let Credential::Key(name) = credential {
            self.0.key.get_or_init(|| escaped_user(name));
        }
    }

    pub(crate) fn answered(&self, status: StatusCode) {
        self.0.status.store(status.as_u16(), Ordering::Relaxed);
    }

    /// So many bytes of the answer's body were handed to the connection.
    pub(crate) fn wrote(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for EntryParts {
    fn drop(&mut self) {
        let request = self.request.take();
        let status = match *self.status.get_mut() {
            0 => None,
            status => Some(status),
        };
        self.log.put(AccessRecord {
            time: self.came_at,
            address: self.address.map(|address| address.to_canonical()),
            user: self.user.take(),
            key: self.key.take(),
            request: request.map(|RequestLine { method, path, version }| (method, path, version)),
            status,
            bytes: *self.bytes.get_mut(),
            duration: self.began.elapsed(),
        });
    }
}

impl fmt::Debug for AccessEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessEntry")
    }
}
