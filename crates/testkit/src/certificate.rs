//! Certificates of the test's own making, and a client that trusts them.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::CertifiedKey;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::deadline::within;
use crate::wire::Wire;

/// A certificate for localhost that nobody has signed.
pub struct Certificate {
    /// The certificate, in PEM.
    pub pem: String,
    /// Its private key, in PEM.
    pub key: String,
    der: CertificateDer<'static>,
}

impl Certificate {
    /// Makes another one.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "no two are the same")]
    pub fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self { pem: cert.pem(), key: signing_key.serialize_pem(), der: cert.der().clone() }
    }

    /// Whether the peer has shown this one.
    pub fn is_shown_by(&self, stream: &TlsStream<TcpStream>) -> bool {
        stream.get_ref().1.peer_certificates().is_some_and(|shown| shown[0] == self.der)
    }

    /// Connects and shakes hands, offering these protocols.
    pub async fn connect(
        &self,
        address: SocketAddr,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.shake_hands(address, self.client(protocols)).await
    }

    /// A connection for HTTP/1.1 over TLS 1.2.
    pub async fn wire_over_tls_1_2(&self, address: SocketAddr) -> Wire {
        let client = self.client_of(&[&rustls::version::TLS12], &["http/1.1"]);
        Wire::over(self.shake_hands(address, client).await.unwrap())
    }

    /// A connection for HTTP/1.1.
    pub async fn wire(&self, address: SocketAddr) -> Wire {
        Wire::over(self.connect(address, &["http/1.1"]).await.unwrap())
    }

    async fn shake_hands(
        &self,
        address: SocketAddr,
        client: ClientConfig,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").unwrap();
        within("a handshake of TLS", TlsConnector::from(Arc::new(client)).connect(name, stream)).await
    }

    fn client(&self, protocols: &[&str]) -> ClientConfig {
        self.client_of(rustls::DEFAULT_VERSIONS, protocols)
    }

    fn client_of(&self, versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}
