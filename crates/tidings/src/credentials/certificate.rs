//! The certificate for TLS: from files, which are read again when they change, or made on the spot.

use std::convert::Infallible;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use tidings_http::{Tls, TlsError};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::{exposed, validity};
use crate::config::Config;
use crate::limits::CERTIFICATE_LOOK_INTERVAL;
use crate::signals::Hangups;
use crate::terminal::failure::{Exit, Failure};
use crate::utf8;

/// Whom a certificate that was made on the spot is for: those on this machine.
const SELF_SIGNED_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The certificate that is shown, and where it came from.
pub(crate) struct Certificate {
    tls: Tls,
    /// What is to be said of it.
    warnings: Vec<String>,
    /// None: it was made on the spot.
    watched: Option<Watched>,
}

impl Certificate {
    /// What the HTTP front needs of it.
    pub(crate) fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// What is to be said of it, if clients refuse it.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Reads the certificate, or makes it, if there is to be one.
pub(crate) fn read(config: &Config) -> Result<Option<Certificate>, Failure> {
    match (&config.tls_cert, &config.tls_key) {
        (Some(certificate), Some(key)) => from_files(certificate, key).map(Some),
        _ if config.tls_self_signed => self_signed().map(Some),
        _ => Ok(None),
    }
}

/// Reads it again when its files change, and on SIGHUP, for ever. `reads_more` is whether SIGHUP has the hub read other files. Cancel
/// safe.
pub(crate) async fn keep_fresh(
    certificate: Option<Certificate>,
    mut hangups: Hangups,
    reads_more: bool,
) -> Infallible {
    let Some(Certificate { tls, watched: Some(mut watched), .. }) = certificate else {
        loop {
            hangups.next().await;
            if !reads_more {
                tracing::info!("SIGHUP: there is nothing to read again");
            }
        }
    };
    let mut looks = interval(CERTIFICATE_LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Not biased: neither is ever ready for long.
        let is_asked = tokio::select! {
            () = hangups.next() => true,
            _ = looks.tick() => false,
        };
        watched = on_another_thread(watched, tls.clone(), is_asked).await;
    }
}

/// Looks at the files, which may be pipes or on a disk that does not answer: neither a signal nor the end waits for that. Cancel safe:
/// what was begun ends by itself.
#[expect(clippy::disallowed_methods, reason = "the loop waits for it, and the end of the process need not")]
async fn on_another_thread(mut watched: Watched, tls: Tls, is_asked: bool) -> Watched {
    let look = spawn_blocking(move || {
        match is_asked {
            true => watched.reload(&tls),
            false => _ = watched.reload_if_changed(&tls),
        }
        watched
    });
    match look.await {
        Ok(watched) => watched,
        // The runtime is ending, and this with it.
        Err(_) => std::future::pending().await,
    }
}

fn from_files(certificate: &Path, key: &Path) -> Result<Certificate, Failure> {
    let files = Files { certificate: certificate.to_owned(), key: key.to_owned() };
    // Before it is read: what changes in the meantime is seen at the next look.
    let watched = Watched::new(files);
    let Pem { certificate, key } = watched.files.read().map_err(Failure::usage)?;
    let tls = Tls::from_pem(&certificate, &key).map_err(|error| watched.files.refusal(&error))?;
    let warnings = validity::warnings(&watched.files.certificate, &certificate);
    Ok(Certificate { tls, warnings, watched: Some(watched) })
}

fn self_signed() -> Result<Certificate, Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::new(Exit::Failed, format!("cannot make a certificate: {error}"))
    };
    let names = SELF_SIGNED_NAMES.map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| failed(&error))?;
    let tls = Tls::from_pem(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes());
    Ok(Certificate { tls: tls.map_err(|error| failed(&error))?, warnings: Vec::new(), watched: None })
}

/// Where certificate and key are.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What was in them.
struct Pem {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn read(&self) -> Result<Pem, String> {
        Ok(Pem { certificate: content("tls_cert", &self.certificate)?, key: content("tls_key", &self.key)? })
    }

    fn refusal(&self, error: &TlsError) -> Failure {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        let hint = match error {
            TlsError::Swapped => "give the certificate as tls_cert, and its key as tls_key".to_owned(),
            TlsError::EncryptedKey => {
                format!(
                    "`(umask 077; openssl pkey -in {key} -out NEW)` writes it without a password; give that as tls_key"
                )
            }
            _ => {
                "give a chain of certificates in PEM, the hub's own first, and its private key, not encrypted"
                    .to_owned()
            }
        };
        Failure::usage(format!("cannot use tls_cert {certificate} with tls_key {key}: {error}")).hint(hint)
    }
}

fn content(setting: &str, path: &Path) -> Result<Vec<u8>, String> {
    utf8::read_pem(path).map_err(|error| format!("cannot read {setting} {}: {error}", path.display()))
}

/// Files, and what was in them.
struct Watched {
    files: Files,
    hasher: RandomState,
    /// When the certificate was last taken from them.
    taken: Look,
    /// When they were last looked at.
    seen: Look,
}

/// What tells that a file was changed: a hash of its content, of both; nothing of one that cannot be read, and of neither if one is no
/// regular file. Length and time do not tell: a certificate is renewed to the same length, and who copies it with its time, or builds it reproducibly, keeps
/// the time the same.
type Look = [Option<u64>; 2];

impl Watched {
    fn new(files: Files) -> Self {
        let mut watched = Self { files, hasher: RandomState::new(), taken: [None; 2], seen: [None; 2] };
        let look = watched.look();
        (watched.taken, watched.seen) = (look, look);
        watched
    }

    /// Waits until they look the same twice: who writes one of them has not yet written the other. Returns whether they were read
    /// again.
    fn reload_if_changed(&mut self, tls: &Tls) -> bool {
        let now = self.look();
        let settled = now == std::mem::replace(&mut self.seen, now);
        let is_new = settled && now != self.taken;
        if is_new {
            self.reload(tls);
        }
        is_new
    }

    /// Shows what is in the files from now on. If that is wrong, the old one stays.
    fn reload(&mut self, tls: &Tls) {
        self.taken = self.look();
        let replaced = self.files.read().and_then(|pem| {
            tls.replace(&pem.certificate, &pem.key).map_err(|error| error.to_string())?;
            Ok(validity::warnings(&self.files.certificate, &pem.certificate))
        });
        match replaced {
            Ok(warnings) => {
                // What renews it may have written the key for all to read.
                for warning in exposed::warning(&self.files.key).into_iter().chain(warnings) {
                    tracing::warn!("{warning}");
                }
                tracing::info!(fingerprint = tls.fingerprint(), "read the certificate again");
            }
            Err(error) => {
                tracing::error!(error, "cannot read the certificate again; the old one stays in force");
            }
        }
    }

    fn look(&self) -> Look {
        let paths = [&self.files.certificate, &self.files.key];
        // Whoever opens a pipe waits until somebody writes to it, and takes what is written from the next reader. So a pair of which
        // one is a pipe is read at the start and on SIGHUP only.
        if !paths.iter().all(|path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file())) {
            return [None; 2];
        }
        paths.map(|path| utf8::read_pem(path).ok().map(|content| self.hasher.hash_one(content)))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
    use tempfile::TempDir;

    use super::*;

    /// A directory with a pair, and what the hub has of it.
    struct Renewed {
        dir: TempDir,
        watched: Watched,
        tls: Tls,
    }

    fn pair() -> CertifiedKey<KeyPair> {
        generate_simple_self_signed(["localhost".to_owned()]).unwrap()
    }

    fn fingerprint(pair: &CertifiedKey<KeyPair>) -> String {
        Tls::from_pem(pair.cert.pem().as_bytes(), pair.signing_key.serialize_pem().as_bytes())
            .unwrap()
            .fingerprint()
    }

    fn write_certificate(dir: &Path, pair: &CertifiedKey<KeyPair>) {
        fs::write(dir.join("cert.pem"), pair.cert.pem()).unwrap();
    }

    fn write_key(dir: &Path, pair: &CertifiedKey<KeyPair>) {
        fs::write(dir.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    }

    impl Renewed {
        fn new() -> Self {
            let dir = TempDir::new().unwrap();
            let pair = pair();
            write_certificate(dir.path(), &pair);
            write_key(dir.path(), &pair);
            let read = from_files(&dir.path().join("cert.pem"), &dir.path().join("key.pem")).unwrap();
            Self { dir, watched: read.watched.unwrap(), tls: read.tls }
        }

        /// Which of so many looks read the files again.
        fn looks(&mut self, count: usize) -> Vec<bool> {
            (0..count).map(|_| self.watched.reload_if_changed(&self.tls)).collect()
        }
    }

    #[test]
    fn files_that_do_not_change_are_never_read_again() {
        let mut renewed = Renewed::new();

        assert_eq!(renewed.looks(3), [false; 3]);
    }

    #[test]
    fn a_pair_that_does_not_match_for_a_while_is_tried_once_and_the_new_one_is_taken_later() {
        let (mut renewed, new) = (Renewed::new(), pair());
        let old = renewed.tls.fingerprint();

        write_certificate(renewed.dir.path(), &new);
        assert_eq!(renewed.looks(4), [false, true, false, false]);
        assert_eq!(renewed.tls.fingerprint(), old);
        write_key(renewed.dir.path(), &new);

        assert_eq!(renewed.looks(4), [false, true, false, false]);
        assert_eq!(renewed.tls.fingerprint(), fingerprint(&new));
    }

    #[test]
    fn a_pair_that_is_written_between_two_looks_is_never_tried_by_halves() {
        let (mut renewed, new) = (Renewed::new(), pair());

        write_certificate(renewed.dir.path(), &new);
        assert_eq!(renewed.looks(1), [false]);
        write_key(renewed.dir.path(), &new);

        assert_eq!(renewed.looks(3), [false, true, false]);
        assert_eq!(renewed.tls.fingerprint(), fingerprint(&new));
    }

    #[test]
    fn a_file_that_is_missing_is_told_once_and_the_pair_is_taken_when_it_is_back() {
        let mut renewed = Renewed::new();
        let old = renewed.tls.fingerprint();
        let (file, away) = (renewed.dir.path().join("cert.pem"), renewed.dir.path().join("away"));

        fs::rename(&file, &away).unwrap();
        assert_eq!(renewed.looks(4), [false, true, false, false]);
        fs::rename(&away, &file).unwrap();

        assert_eq!(renewed.looks(4), [false, true, false, false]);
        assert_eq!(renewed.tls.fingerprint(), old);
    }

    /// As Kubernetes changes a secret, and people a link to the certificate of this year.
    #[test]
    fn links_that_lead_elsewhere_are_a_change_and_links_to_the_same_are_none() {
        let (mut renewed, new) = (Renewed::new(), pair());
        let other = TempDir::new().unwrap();
        for name in ["cert.pem", "key.pem"] {
            let file = renewed.dir.path().join(name);
            fs::rename(&file, other.path().join(name)).unwrap();
            symlink(other.path().join(name), &file).unwrap();
        }
        assert_eq!(renewed.looks(3), [false; 3]);

        write_certificate(other.path(), &new);
        write_key(other.path(), &new);

        assert_eq!(renewed.looks(3), [false, true, false]);
        assert_eq!(renewed.tls.fingerprint(), fingerprint(&new));
    }
}
