//! TLS: a certificate and its key, as a door that connections pass before anything is read from them.
//!
//! rustls with ring. None of its types are seen outside: PEM comes in, a stream of plain bytes comes out.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{InconsistentKeys, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::limits::{TLS_TICKETS, TLS_WAITING_BYTES_MAX};

/// RFC 7301 names of what is spoken inside, the better first. A client that names only others is sent away by TLS itself, so
/// HTTP/1.0 has its name, too: curl offers nothing else with `--http1.0`.
const HTTP_2: &[u8] = b"h2";
const HTTP_1: [&[u8]; 2] = [b"http/1.1", b"http/1.0"];

/// The certificate that the hub shows, and its key. Cloning shares it; what is replaced is replaced in all clones.
///
/// ```no_run
/// use tidings_http::{HttpConfig, Tls};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = Tls::from_pem(&std::fs::read("cert.pem")?, &std::fs::read("key.pem")?)?;
/// let mut config = HttpConfig::default();
/// config.tls = Some(tls.clone());
///
/// // Later, when the certificate was renewed. Open connections keep what they have.
/// tls.replace(&std::fs::read("cert.pem")?, &std::fs::read("key.pem")?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tls(Arc<RwLock<Shown>>);

/// What new connections are shown.
#[derive(Clone)]
struct Shown {
    config: Arc<ServerConfig>,
    fingerprint: [u8; 32],
}

/// Why a certificate and a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There is none.
    #[error("there is no certificate in the certificate's PEM")]
    NoCertificate,
    /// There is none.
    #[error("there is no private key in the key's PEM")]
    NoKey,
    /// It is encrypted, by either of the two ways that PEM has.
    #[error("the private key is encrypted")]
    EncryptedKey,
    /// Each is where the other should be.
    #[error("the certificate and the private key are in each other's place")]
    Swapped,
    /// They do not belong together.
    #[error("the private key is not that of the certificate")]
    Mismatch,
    /// PEM that is none.
    #[error("the {0} is not PEM: {1}")]
    NotPem(&'static str, String),
    /// Not understood, or of a kind that is not supported.
    #[error("the certificate or the key cannot be used: {0}")]
    Unusable(String),
}

impl Tls {
    /// Takes a chain of certificates, the hub's own first, and the key of the first, both in PEM.
    ///
    /// # Errors
    ///
    /// When they cannot be used, or do not belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(RwLock::new(Shown::from_pem(certificates, key)?))))
    }

    /// Shows this certificate to clients that connect from now on. Connections that are open are not touched; tickets for
    /// short handshakes that were given under the old one are worth nothing any more.
    ///
    /// # Errors
    ///
    /// As for [`from_pem`](Self::from_pem); then the old one stays.
    pub fn replace(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let shown = Shown::from_pem(certificates, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = shown;
        Ok(())
    }

    /// The SHA-256 fingerprint of the hub's certificate as it is now, as `openssl x509 -fingerprint` writes it.
    pub fn fingerprint(&self) -> String {
        let bytes = self.shown().fingerprint;
        bytes.map(|byte| format!("{byte:02X}")).join(":")
    }

    /// Shakes hands. Never gives up by itself: the caller has the deadline.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(self.shown().config);
        acceptor.accept_with(stream, |session| session.set_buffer_limit(Some(TLS_WAITING_BYTES_MAX))).await
    }

    fn shown(&self) -> Shown {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tls").field(&self.fingerprint()).finish()
    }
}

/// Whether the two sides have agreed on HTTP/2.
pub(crate) fn is_http_2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP_2)
}

impl Shown {
    fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        if !has(certificates, CERTIFICATE)
            && has(certificates, KEY)
            && has(key, CERTIFICATE)
            && !has(key, KEY)
        {
            return Err(TlsError::Swapped);
        }
        let chain = chain(certificates)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            _ if ENCRYPTED.iter().any(|mark| has(key, mark)) => TlsError::EncryptedKey,
            PemError::NoItemsFound => TlsError::NoKey,
            error => not_pem("key", error),
        })?;
        let hash = ring::digest::digest(&ring::digest::SHA256, &chain[0]);
        let fingerprint = hash.as_ref().try_into().expect("SHA-256 has 32 bytes");
        let config = server_config(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
            // ring says no more than that it is none that it knows.
            rustls::Error::General(_) => TlsError::Unusable(KEY_KINDS.to_owned()),
            error => TlsError::Unusable(error.to_string()),
        })?;
        Ok(Self { config: Arc::new(config), fingerprint })
    }
}

/// At least one.
fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| not_pem("certificate", error))?;
    if chain.is_empty() { Err(TlsError::NoCertificate) } else { Ok(chain) }
}

/// The end of the first line of a certificate and of a private key of any kind.
const CERTIFICATE: &[u8] = b"CERTIFICATE-----";
const KEY: &[u8] = b"PRIVATE KEY-----";

/// What stands in the PEM of an encrypted key: RFC 7468, 11, and RFC 1421, 4.6.1.1.
const ENCRYPTED: [&[u8]; 2] = [b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED"];

const KEY_KINDS: &str =
    "its private key is none of RSA with 2048 to 8192 bits, ECDSA over P-256 or P-384, and Ed25519";

fn has(pem: &[u8], mark: &[u8]) -> bool {
    pem.windows(mark.len()).any(|window| window == mark)
}

fn not_pem(what: &'static str, error: PemError) -> TlsError {
    TlsError::NotPem(
        what,
        match error {
            // It shows the missing line as numbers of bytes.
            PemError::MissingSectionEnd { .. } => "it ends before its line -----END".to_owned(),
            error => error.to_string(),
        },
    )
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    // The provider is named because the process-wide default panics when two crates enable one each.
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = [&[HTTP_2][..], &HTTP_1].concat().iter().map(|name| name.to_vec()).collect();
    // What a client needs for a short handshake is with the client, encrypted: when all come back at once it is
    // their memory, not ours.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Ticketer::new()?;
    config.send_tls13_tickets = TLS_TICKETS;
    // For `sealed`. Nothing leaves the process by it.
    config.enable_secret_extraction = true;
    Ok(config)
}
