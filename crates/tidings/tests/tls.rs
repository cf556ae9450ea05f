//! `tidings serve` behind TLS: what it says, what it refuses, and certificates that change under open streams.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::fs::{File, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd};
use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::program::Program;
use support::{Left, refusal, run, tidings};
use tempfile::TempDir;
use tidings_testkit::deadline::{Deadline, PATIENCE};
use tidings_testkit::hub::Hub;

/// A directory with `cert.pem` and `key.pem`.
struct Files(TempDir);

impl Files {
    /// With a certificate of its own making, which is returned, too.
    fn new() -> (Self, CertificateDer<'static>) {
        let files = Self(TempDir::new().unwrap());
        let certificate = files.renew();
        (files, certificate)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes another pair.
    fn renew(&self) -> CertificateDer<'static> {
        let made = made();
        std::fs::write(self.path("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    /// Writes a pair that was valid until 2020.
    fn expire(&self) {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(2020, 1, 1);
        let key = KeyPair::generate().unwrap();
        std::fs::write(self.path("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(self.path("key.pem"), key.serialize_pem()).unwrap();
    }

    /// Writes another pair that has the length and the time of every other one, as a reproducible build or `cp -p` would.
    fn renew_in_disguise(&self) -> CertificateDer<'static> {
        let certificate = self.renew();
        for name in ["cert.pem", "key.pem"] {
            let mut text = std::fs::read_to_string(self.path(name)).unwrap();
            text.extend(std::iter::repeat_n('\n', 4_096 - text.len()));
            std::fs::write(self.path("new"), text).unwrap();
            let file = File::options().append(true).open(self.path("new")).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
            std::fs::rename(self.path("new"), self.path(name)).unwrap();
        }
        certificate
    }

    /// Makes a pipe of the certificate's file, into which nobody writes.
    fn put_pipe(&self) {
        let pipe = self.path("cert.pem");
        std::fs::remove_file(&pipe).unwrap();
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }

    /// Makes a pipe of the certificate's file, into which a thread writes the certificate once.
    fn put_certificate_into_pipe(&self) -> JoinHandle<()> {
        let pipe = self.path("cert.pem");
        let certificate = std::fs::read(&pipe).unwrap();
        self.put_pipe();
        std::thread::spawn(move || std::fs::write(pipe, certificate).unwrap())
    }

    fn hub(&self) -> Hub {
        support::hub(&["--memory", "--tls-cert", &self.path("cert.pem"), "--tls-key", &self.path("key.pem")])
    }

    fn check(&self) -> Left {
        let (certificate, key) = (self.path("cert.pem"), self.path("key.pem"));
        run(tidings(&["config", "check", "--tls-cert", &certificate, "--tls-key", &key]))
    }
}

fn made() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// A connection that believes one certificate.
fn connect(
    address: SocketAddr,
    believed: &CertificateDer<'static>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(believed.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session =
        ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    StreamOwned::new(session, socket)
}

/// Publishes, and returns the status line.
fn publish(address: SocketAddr, believed: &CertificateDer<'static>, text: &str) -> std::io::Result<String> {
    let mut stream = connect(address, believed);
    let head = "POST /events/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{text}", text.len())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// A stream, read line by line.
struct Subscriber(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Subscriber {
    /// Subscribes, and waits for the opening.
    fn new(address: SocketAddr, believed: &CertificateDer<'static>) -> Self {
        let mut stream = connect(address, believed);
        write!(stream, "GET /events/a HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut subscriber = Self(BufReader::new(stream));
        subscriber.read_through("event: tidings.open\n");
        subscriber
    }

    fn read_through(&mut self, wanted: &str) {
        let (deadline, mut line) = (Deadline::new(), String::new());
        while line != wanted {
            deadline.check(format_args!("{wanted:?}"));
            line.clear();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream ended before {wanted:?}");
        }
    }
}

#[test]
fn a_person_who_tries_tls_is_told_the_fingerprint_and_how_to_use_curl() {
    let hub = Hub::begin(tidings(&["serve", "--memory", "--listen", "127.0.0.1:0", "--tls-self-signed"]));

    let look = hub.says("look");

    let address =
        look.trim().strip_prefix("look      https://").and_then(|url| url.strip_suffix('/')).unwrap();
    hub.says(&format!("curl -k -N https://{address}/events/hello"));
    hub.says(&format!("curl -k -d 'good news' https://{address}/events/hello"));
    let fingerprint = hub.says("SHA-256");
    assert_eq!(fingerprint.trim().trim_start_matches("SHA-256").trim().len(), 32 * 3 - 1);
}

#[test]
fn a_hangup_makes_it_show_the_new_certificate_and_open_streams_go_on() {
    let (files, old) = Files::new();
    let hub = files.hub();
    let mut subscriber = Subscriber::new(hub.address, &old);

    let new = files.renew();
    hub.signal(Signal::HUP);
    hub.says("read the certificate again");

    assert_eq!(publish(hub.address, &new, "x").unwrap(), "HTTP/1.1 201 Created");
    assert!(publish(hub.address, &old, "y").is_err(), "nobody is shown the old one");
    subscriber.read_through("data: x\n");
}

#[test]
fn changed_files_are_noticed_without_a_signal() {
    let (files, old) = Files::new();
    let hub = files.hub();
    let mut subscriber = Subscriber::new(hub.address, &old);

    let new = files.renew();
    hub.says("read the certificate again");

    assert_eq!(publish(hub.address, &new, "x").unwrap(), "HTTP/1.1 201 Created");
    subscriber.read_through("data: x\n");
}

/// As `<(command)` in a shell gives it.
#[test]
fn a_certificate_from_a_pipe_is_read_once() {
    let (files, old) = Files::new();
    let writer = files.put_certificate_into_pipe();

    let hub = files.hub();
    writer.join().unwrap();

    assert_eq!(publish(hub.address, &old, "x").unwrap(), "HTTP/1.1 201 Created");
}

#[test]
fn a_new_certificate_of_the_same_length_and_time_is_noticed() {
    let (files, _) = Files::new();
    files.renew_in_disguise();
    let hub = files.hub();

    let new = files.renew_in_disguise();
    hub.says("read the certificate again");

    assert_eq!(publish(hub.address, &new, "x").unwrap(), "HTTP/1.1 201 Created");
}

#[test]
fn a_private_key_that_others_can_read_is_pointed_out() {
    let (files, _) = Files::new();
    for (mode, warnings) in [(0o600, 0), (0o644, 1)] {
        std::fs::set_permissions(files.path("key.pem"), Permissions::from_mode(mode)).unwrap();

        let left = files.check();

        assert_eq!(left.code, Some(0));
        let hint = format!("chmod 600 {}\n", files.path("key.pem"));
        assert_eq!(left.stderr.matches(&hint).count(), warnings, "{left:?}");
    }
}

/// The hub showed it, each client refused it with words of its own, and the log said nothing.
#[test]
fn an_expired_certificate_is_pointed_out_by_the_check_at_the_start_and_when_it_is_read_again() {
    let (files, _) = Files::new();
    let words = format!("in {} expired on 2020-01-01 00:00 UTC", files.path("cert.pem"));
    assert!(!files.check().stderr.contains("expired"));

    files.expire();
    let left = files.check();
    assert!(left.code == Some(0) && left.stderr.contains(&words), "{left:?}");
    let listen = ["serve", "--memory", "--listen", "127.0.0.1:0", "--log-format", "json"];
    let pair = ["--tls-cert", &files.path("cert.pem"), "--tls-key", &files.path("key.pem")];
    let hub = Hub::begin(tidings(&[&listen[..], &pair].concat()));
    assert!(hub.says("so clients refuse it").contains(&words));
    hub.says("\"message\":\"listening\"");
    files.renew();
    hub.signal(Signal::HUP);
    hub.says("read the certificate again");
    files.expire();
    hub.signal(Signal::HUP);
    let told = hub.says("so clients refuse it");

    assert!(told.contains(&words) && told.contains("\"level\":\"WARN\""), "{told}");
}

#[test]
fn a_renewed_private_key_that_others_can_read_is_pointed_out() {
    let (files, _) = Files::new();
    std::fs::set_permissions(files.path("key.pem"), Permissions::from_mode(0o600)).unwrap();
    let hub = files.hub();

    files.renew();
    std::fs::set_permissions(files.path("key.pem"), Permissions::from_mode(0o644)).unwrap();
    hub.signal(Signal::HUP);

    let told = hub.says("other users of this machine can read");
    assert!(told.contains(&format!("chmod 600 {}", files.path("key.pem"))), "{told}");
    hub.says("read the certificate again");
}

#[test]
fn a_broken_pair_is_told_and_the_old_one_stays() {
    let (files, old) = Files::new();
    let hub = files.hub();

    std::fs::write(files.path("key.pem"), made().signing_key.serialize_pem()).unwrap();
    hub.signal(Signal::HUP);
    let told = hub.says("\"level\":\"ERROR\"");

    assert!(told.contains("the private key is not that of the certificate"), "{told}");
    assert_eq!(publish(hub.address, &old, "x").unwrap(), "HTTP/1.1 201 Created");
}

#[test]
fn a_hangup_does_not_end_a_hub_without_a_certificate() {
    let hub = support::hub(&["--memory"]);

    hub.signal(Signal::HUP);
    hub.says("there is nothing to read again");

    assert_eq!(hub.publish("a", "x").status, 201);
}

#[test]
fn the_end_sends_subscribers_away_inside_tls() {
    let (files, certificate) = Files::new();
    let hub = files.hub();
    let mut subscriber = Subscriber::new(hub.address, &certificate);

    let ended = hub.terminate();

    let mut rest = String::new();
    subscriber.0.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("retry: ") && rest.ends_with("\r\n0\r\n\r\n"), "{rest:?}");
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (files, _) = Files::new();
    std::fs::write(files.path("key.pem"), made().signing_key.serialize_pem()).unwrap();

    let left = files.check();

    let (certificate, key) = (files.path("cert.pem"), files.path("key.pem"));
    let reason = "the private key is not that of the certificate";
    let hint = "give a chain of certificates in PEM, the hub's own first, and its private key, not encrypted";
    assert_eq!(
        left,
        refusal(&format!("cannot use tls_cert {certificate} with tls_key {key}: {reason}"), hint)
    );
}

#[test]
fn a_pair_that_fits_passes_the_check_and_one_that_is_not_there_does_not() {
    let (files, _) = Files::new();
    assert_eq!(files.check().code, Some(0));

    std::fs::remove_file(files.path("key.pem")).unwrap();

    let message =
        format!("cannot read tls_key {}: No such file or directory (os error 2)", files.path("key.pem"));
    assert_eq!(files.check(), Left { stderr: format!("error: {message}\n"), ..refusal("", "") });
}

#[test]
fn half_a_pair_and_two_certificates_are_refused() {
    let check = |arguments: &[&str]| run(tidings(&[&["config", "check"], arguments].concat()));

    assert_eq!(
        check(&["--tls-cert", "c"]),
        refusal("tls_cert is set, but tls_key is not", "set both, or none")
    );
    assert_eq!(
        check(&["--tls-key", "k"]),
        refusal("tls_key is set, but tls_cert is not", "set both, or none")
    );
    assert_eq!(
        check(&["--tls-cert", "c", "--tls-key", "k", "--tls-self-signed"]),
        refusal("there are two certificates: tls_cert and tls_self_signed", "leave one of them out")
    );
}

#[test]
fn tls_alone_does_not_open_a_hub_to_other_machines() {
    let left = run(tidings(&["config", "check", "--tls-self-signed", "--listen", "0.0.0.0:0"]));

    assert_eq!(left.code, Some(2));
    assert!(left.stderr.contains("without a publish key"), "{}", left.stderr);
}

/// Runs `config check` with these two contents.
fn check_contents(certificate: &str, key: &str) -> Left {
    let files = Files(TempDir::new().unwrap());
    std::fs::write(files.path("cert.pem"), certificate).unwrap();
    std::fs::write(files.path("key.pem"), key).unwrap();
    std::fs::set_permissions(files.path("key.pem"), Permissions::from_mode(0o600)).unwrap();
    files.check()
}

#[test]
fn what_is_wrong_with_a_certificate_or_a_key_is_told_in_a_sentence() {
    let made = made();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let half = |text: &str| text[..text.len() / 2].to_owned();
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let encrypted_of_old = key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1);
    let request = certificate.replace("CERTIFICATE", "CERTIFICATE REQUEST");
    let other_kind = "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n";
    for (certificate, key, message, hint) in [
        (&*key, &*certificate, "are in each other's place", "give the certificate as tls_cert"),
        (&certificate, &encrypted, "the private key is encrypted", "`(umask 077; openssl pkey -in "),
        (&certificate, &encrypted_of_old, "the private key is encrypted", "`(umask 077; openssl pkey -in "),
        (&half(&certificate), &key, "the certificate is not PEM: it ends before its line -----END", "in PEM"),
        (&certificate, &half(&key), "the key is not PEM: it ends before its line -----END", "in PEM"),
        (&certificate, other_kind, "its private key is none of RSA with 2048 to 8192 bits", "in PEM"),
        (&request, &key, "there is no certificate in the certificate's PEM", "in PEM"),
        ("", &key, "there is no certificate in the certificate's PEM", "in PEM"),
        (&certificate, "", "there is no private key in the key's PEM", "in PEM"),
        (&certificate, &certificate, "there is no private key in the key's PEM", "in PEM"),
    ] {
        let left = check_contents(certificate, key);

        assert_eq!(left.code, Some(2), "{message}: {left:?}");
        assert!(left.stderr.contains(message) && left.stderr.contains(hint), "{message}: {left:?}");
    }
}

#[test]
fn a_pair_in_one_file_or_with_lines_of_windows_is_taken() {
    let made = made();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let both = format!("{key}{certificate}");
    let windows = |text: &str| text.replace('\n', "\r\n");

    assert_eq!(check_contents(&both, &both).code, Some(0));
    assert_eq!(check_contents(&windows(&certificate), &windows(&key)).code, Some(0));
    assert_eq!(check_contents(&format!("\u{feff}{certificate}"), &format!("# A key.\n{key}")).code, Some(0));
}

/// As `certbot` and people do it: for a moment the new certificate stands beside the old key.
#[test]
fn a_pair_that_is_renewed_in_two_steps_is_taken_when_it_is_one_again() {
    let (files, old) = Files::new();
    let hub = files.hub();
    let made = made();

    std::fs::write(files.path("cert.pem"), made.cert.pem()).unwrap();
    hub.says("the private key is not that of the certificate");
    assert_eq!(publish(hub.address, &old, "x").unwrap(), "HTTP/1.1 201 Created");
    std::fs::write(files.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    hub.says("read the certificate again");

    assert_eq!(publish(hub.address, made.cert.der(), "y").unwrap(), "HTTP/1.1 201 Created");
}

/// As Kubernetes changes a secret that it has mounted: both files are links through `..data`, which leads elsewhere all at once.
#[test]
fn a_mounted_secret_that_changes_is_taken() {
    let (old, certificate) = Files::new();
    let (new, renewed) = Files::new();
    let mounted = Files(TempDir::new().unwrap());
    std::os::unix::fs::symlink(old.0.path(), mounted.path("..data")).unwrap();
    for name in ["cert.pem", "key.pem"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), mounted.path(name)).unwrap();
    }
    let hub = mounted.hub();
    assert_eq!(publish(hub.address, &certificate, "x").unwrap(), "HTTP/1.1 201 Created");

    std::os::unix::fs::symlink(new.0.path(), mounted.path("..data_tmp")).unwrap();
    std::fs::rename(mounted.path("..data_tmp"), mounted.path("..data")).unwrap();
    hub.says("read the certificate again");

    assert_eq!(publish(hub.address, &renewed, "y").unwrap(), "HTTP/1.1 201 Created");
}

#[test]
fn a_certificate_that_is_missing_for_a_while_is_told_and_taken_when_it_is_back() {
    let (files, old) = Files::new();
    let hub = files.hub();

    std::fs::remove_file(files.path("cert.pem")).unwrap();
    let told = hub.says("cannot read the certificate again");
    assert!(told.contains("No such file or directory"), "{told}");
    assert_eq!(publish(hub.address, &old, "x").unwrap(), "HTTP/1.1 201 Created");
    let new = files.renew();
    hub.says("read the certificate again");

    assert_eq!(publish(hub.address, &new, "y").unwrap(), "HTTP/1.1 201 Created");
}

#[test]
fn a_hub_that_waits_for_a_certificate_says_so_and_can_be_ended() {
    let (files, _) = Files::new();
    files.put_pipe();
    let (certificate, key) = (files.path("cert.pem"), files.path("key.pem"));
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let listen = ["serve", "--memory", "--listen", "127.0.0.1:0"];
    let mut program =
        Program::start(&[&listen[..], &["--tls-cert", &certificate, "--tls-key", &key]].concat());

    let told = program.stderr.next();
    program.signal(Signal::TERM);

    assert_eq!(told, format!("waiting up to 60 seconds for somebody to write to {certificate}"));
    // The signal itself has ended it, which is no exit code.
    assert_eq!(program.wait(), None);
}

/// Whoever opens a named pipe waits for somebody who writes to it. The hub, and its end, must not.
#[test]
fn a_hangup_with_a_certificate_in_a_pipe_holds_nothing_up() {
    let (files, old) = Files::new();
    let writer = files.put_certificate_into_pipe();
    let hub = files.hub();
    writer.join().unwrap();

    hub.signal(Signal::HUP);
    hub.says("somebody to write to");

    assert_eq!(publish(hub.address, &old, "x").unwrap(), "HTTP/1.1 201 Created");
    assert_eq!(hub.terminate().code(), Some(0));
}
