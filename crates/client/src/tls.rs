//! TLS: rustls with ring, and which certificates are believed.

mod verifier;

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use self::verifier::Verifier;
use crate::error::BoxError;

/// Makes the TLS configuration when it is first needed: reading the machine's certificates takes milliseconds that
/// a client of plain HTTP need not spend.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tls {
    own_roots: Vec<CertificateDer<'static>>,
    /// Protocols to offer by ALPN, the best first. None are offered if there are none.
    protocols: Vec<Vec<u8>>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Tls {
    /// Believes these certificates, in PEM, beside those that the machine believes.
    pub(crate) fn with_roots(mut self, pem: &[u8]) -> Result<Self, BoxError> {
        let roots = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
        if roots.is_empty() {
            return Err("there is no certificate in it".into());
        }
        // A store is the only one who can say whether a certificate may be a root.
        let mut store = RootCertStore::empty();
        roots.iter().try_for_each(|root| store.add(root.clone()))?;
        self.own_roots.extend(roots);
        self.config = Arc::default();
        Ok(self)
    }

    /// Offers these protocols by ALPN.
    pub(crate) fn offering(mut self, protocols: &[&[u8]]) -> Self {
        self.protocols = protocols.iter().map(|name| name.to_vec()).collect();
        self.config = Arc::default();
        self
    }

    /// The configuration. Cancel-safe: at worst it is made again.
    #[expect(
        clippy::disallowed_methods,
        reason = "it reads the certificates of the machine, and is waited for at once"
    )]
    pub(crate) async fn config(&self) -> Result<Arc<ClientConfig>, BoxError> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let own_roots = self.own_roots.clone();
        let mut config = tokio::task::spawn_blocking(move || load(own_roots)).await??;
        config.alpn_protocols.clone_from(&self.protocols);
        Ok(self.config.get_or_init(|| Arc::new(config)).clone())
    }
}

/// The machine's roots; those of Mozilla, compiled in, on a machine that has none, such as an empty container.
fn load(own_roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, BoxError> {
    let mut store = RootCertStore::empty();
    // What cannot be read is not believed; a machine often has a few certificates that nobody can parse.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store.add_parsable_certificates(own_roots.iter().cloned());
    // The provider is named because the process-wide default panics when two crates enable one each.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone()).build()?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(chains, own_roots)))
        .with_no_client_auth();
    Ok(config)
}
