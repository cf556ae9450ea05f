//! A certificate that was given and that the server itself shows is believed, whoever signed it, for its names and in its time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

use std::sync::Arc;

use futures_util::future::join;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tidings_client::EventSource;
use tidings_testkit::request::Request;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";

/// What `openssl req -x509` makes: it is signed by itself, and says that it is a CA.
fn of_openssl(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// A certificate with its key.
struct Shown {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

fn self_signed(params: &CertificateParams) -> Shown {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Shown { der: certificate.der().clone(), pem: certificate.pem(), key }
}

/// What a client hears that was given some certificates, from a server that shows one.
async fn hears(shown: &Shown, given: &str) -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/events", listener.local_addr().unwrap().port());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(shown.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![shown.der.clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let builder = EventSource::builder(&url).unwrap().root_certificates(given.as_bytes()).unwrap();
    let mut source = builder.strict().reconnect(false).build();

    let server = async {
        let (socket, _) = listener.accept().await.unwrap();
        let mut socket = acceptor.accept(socket).await.ok()?;
        Request::read(&mut socket).await?;
        socket.write_all(STREAM).await.ok()?;
        Some(socket)
    };
    let (event, _socket) = join(source.next_event(), server).await;

    match event {
        Ok(event) => Ok(event.unwrap().data),
        Err(error) => Err(std::error::Error::source(&error).unwrap().to_string()),
    }
}

#[tokio::test]
async fn a_self_signed_certificate_that_says_that_it_is_a_ca_is_believed() {
    let shown = self_signed(&of_openssl("localhost"));

    assert_eq!(hears(&shown, &shown.pem).await.as_deref(), Ok("1"));
    let beside = [self_signed(&of_openssl("other")).pem, shown.pem.clone()].concat();
    assert_eq!(hears(&shown, &beside).await.as_deref(), Ok("1"));
}

#[tokio::test]
async fn a_certificate_whose_signer_was_not_given_is_believed() {
    let issuer = CertifiedIssuer::self_signed(of_openssl("authority"), KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let shown = Shown { der: leaf.der().clone(), pem: leaf.pem(), key };

    assert_eq!(hears(&shown, &shown.pem).await.as_deref(), Ok("1"));
    assert_eq!(hears(&shown, &issuer.pem()).await.as_deref(), Ok("1"), "and by its signer, as before");
}

#[tokio::test]
async fn another_certificate_of_the_same_name_is_not_believed() {
    let params = of_openssl("localhost");
    let (shown, given) = (self_signed(&params), self_signed(&params));

    let refused = hears(&shown, &given.pem).await.unwrap_err();

    assert_eq!(refused, "its certificate is signed by itself, and by no authority that is trusted here");
}

#[tokio::test]
async fn a_given_certificate_counts_for_its_names_in_its_time_and_for_servers() {
    let mut expired = of_openssl("localhost");
    (expired.not_before, expired.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let mut early = of_openssl("localhost");
    (early.not_before, early.not_after) = (date_time_ymd(4000, 1, 1), date_time_ymd(4001, 1, 1));
    let mut client = of_openssl("localhost");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut both = of_openssl("localhost");
    both.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];

    for (params, told) in [
        (of_openssl("other.test"), "is for another name than localhost"),
        (expired, "has expired"),
        (early, "is not valid yet"),
        (client, "cannot be trusted"),
    ] {
        let shown = self_signed(&params);
        let refused = hears(&shown, &shown.pem).await.unwrap_err();
        assert!(refused.contains(told), "{refused}");
    }
    let shown = self_signed(&both);
    assert_eq!(hears(&shown, &shown.pem).await.as_deref(), Ok("1"));
}
