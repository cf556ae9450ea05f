//! The keys of an issuer of tokens, fetched from a small server that exchanges them, fails, and sends somewhere else.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use support::origin::{Origin, Then};
use support::{hub, run, tidings};
use tempfile::TempDir;
use tidings_testkit::hub::Hub;

/// A key of the issuer, with its name.
struct IssuerKey {
    kid: &'static str,
    pair: KeyPair,
}

impl IssuerKey {
    fn new(kid: &'static str) -> Self {
        Self { kid, pair: KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap() }
    }

    fn token(&self) -> String {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("private.pem");
        fs::write(&file, self.pair.serialize_pem()).unwrap();
        let mut command = tidings(&["token", "--sub", "u1", "--kid", self.kid, "--key-file"]);
        command.arg(&file);
        run(command).stdout.trim_end().to_owned()
    }
}

/// The answer with a set of these keys.
fn set(keys: &[&IssuerKey]) -> (String, Then) {
    let key = |key: &&IssuerKey| {
        let x = URL_SAFE_NO_PAD.encode(key.pair.der_bytes());
        format!(r#"{{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"{}","x":"{x}"}}"#, key.kid)
    };
    let keys: Vec<_> = keys.iter().map(key).collect();
    let body = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    let length = body.len();
    (format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"), Then::Cut)
}

/// An authority that signs certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Answers everybody over TLS, with a certificate for this name. Returns the port.
    fn serve(&self, name: &str, answer: String) -> u16 {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
                // A client that does not trust the certificate leaves.
                if stream.read(&mut [0; 4_096]).is_ok() {
                    let _ = stream.write_all(answer.as_bytes());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        });
        port
    }
}

fn configuration(origin: &Origin) -> (TempDir, String) {
    configuration_of(&origin.url())
}

fn configuration_of(url: &str) -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("tidings.toml");
    fs::write(
        &file,
        format!("[access.jwt]\njwks_url = \"{url}?secret=hunter2\"\nsubscribe = [\"{{sub}}/**\"]\n"),
    )
    .unwrap();
    let path = file.to_str().unwrap().to_owned();
    (dir, path)
}

fn read(hub: &Hub, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let headers = [("accept", "application/json"), ("authorization", bearer.as_str())];
    hub.connect().get("/events/u1/x", &headers).unwrap().status
}

#[test]
fn an_issuer_that_exchanges_its_keys_is_asked_again_by_the_first_token_and_not_by_every_one() {
    let (old, new, forged) = (IssuerKey::new("old"), IssuerKey::new("new"), IssuerKey::new("forged"));
    let origin = Origin::start([set(&[&old]), set(&[&old, &new])]);
    let (_dir, path) = configuration(&origin);
    let hub = hub(&["--memory", "--config", &path]);

    assert_eq!(read(&hub, &old.token()), 200, "it waits for the first look");
    assert_eq!(read(&hub, &new.token()), 200, "it waits for the second look");
    assert_eq!(read(&hub, &old.token()), 200);
    // There is no third answer; a hub that asked would wait.
    assert_eq!(read(&hub, &forged.token()), 401);
    assert_eq!(read(&hub, &new.token()), 200);
    for _ in 0..2 {
        assert_eq!(origin.request().header("authorization"), None);
    }
}

#[test]
fn keys_that_cannot_be_read_anew_go_on_working() {
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let gigabyte = format!("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{}", " ".repeat(300_000));
    for (answer, then, why) in [
        (elsewhere.to_owned(), Then::Cut, "the server answered 302 Found"),
        // Nobody waits for the rest of it.
        (gigabyte, Then::Hold, "the document has more than 262144 bytes"),
    ] {
        let (old, new) = (IssuerKey::new("old"), IssuerKey::new("new"));
        let origin = Origin::start([set(&[&old]), (answer, then)]);
        let (_dir, path) = configuration(&origin);
        let hub = hub(&["--memory", "--config", &path]);
        assert_eq!(read(&hub, &old.token()), 200, "{why}");

        assert_eq!(read(&hub, &new.token()), 401, "{why}");

        let told = hub.says("cannot read the keys that check tokens");
        assert!(told.contains(why) && told.contains("those read before go on working"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
        assert_eq!(read(&hub, &old.token()), 200, "{why}");
    }
}

#[test]
fn a_hub_starts_without_the_keys_and_an_explanation_says_why_it_has_none() {
    let key = IssuerKey::new("a");
    let bad = || ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned(), Then::Cut);
    let origin = Origin::start([bad(), set(&[&key]), bad()]);
    let (_dir, path) = configuration(&origin);
    let hub = hub(&["--memory", "--config", &path]);
    let explain = || run(tidings(&["token", "explain", &key.token(), "--config", &path]));

    let told = hub.says("cannot read the keys that check tokens");
    assert!(told.contains("it is not JSON with a list") && told.contains("there are none yet"), "{told}");
    assert_eq!(read(&hub, &key.token()), 200, "it asks for another look");
    let left = explain();
    assert_eq!(left.code, Some(1), "{left:?}");
    let message = "/stream: this is no set of keys: it is not JSON with a list `keys`\n";
    assert!(left.stderr.ends_with(message) && !left.stderr.contains("hunter2"), "{left:?}");
}

/// With the certificates that the machine trusts, which `SSL_CERT_FILE` names here.
#[test]
fn keys_come_over_https_from_whom_a_trusted_authority_knows_by_name() {
    let key = IssuerKey::new("a");
    let (trusted, other) = (Authority::new(), Authority::new());
    let (answer, _) = set(&[&key]);
    for (authority, name, why) in [
        (&trusted, "localhost", None),
        (&trusted, "issuer.example", Some("not valid for name")),
        (&other, "localhost", Some("cannot be trusted")),
    ] {
        let port = authority.serve(name, answer.clone());
        let (dir, path) = configuration_of(&format!("https://localhost:{port}/jwks"));
        let authorities = dir.path().join("authorities.pem");
        fs::write(&authorities, &trusted.pem).unwrap();
        let mut command = tidings(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--memory"]);
        command.args(["--config", &path]).env("SSL_CERT_FILE", &authorities);
        let hub = Hub::spawn(command);

        match why {
            None => assert_eq!(read(&hub, &key.token()), 200),
            Some(why) => {
                let told = hub.says("cannot read the keys that check tokens");
                assert!(told.contains(why), "{why}: {told}");
                assert_eq!(read(&hub, &key.token()), 503, "{why}");
            }
        }
    }
}
