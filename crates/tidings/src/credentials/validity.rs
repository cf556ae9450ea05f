//! Whether the time of a certificate has come, and is not over. TLS shows any certificate; only the clients refuse it, each with
//! words of its own, and nobody who runs the hub would hear of it.

use std::path::Path;

use x509_parser::pem::Pem;
use x509_parser::time::ASN1Time;

use crate::limits::SAID_CHARS_MAX;
use crate::terminal::chain::visible;

/// What to say about the certificates of a PEM file whose time is over, or has not come.
pub(crate) fn warnings(path: &Path, pem: &[u8]) -> Vec<String> {
    warnings_at(path, pem, ASN1Time::now())
}

fn warnings_at(path: &Path, pem: &[u8], now: ASN1Time) -> Vec<String> {
    let parts = Pem::iter_from_buffer(pem).map_while(Result::ok);
    parts.filter(|part| part.label == "CERTIFICATE").filter_map(|part| warning(path, &part, now)).collect()
}

fn warning(path: &Path, part: &Pem, now: ASN1Time) -> Option<String> {
    // One that cannot be read is refused elsewhere, or is none of ours.
    let certificate = part.parse_x509().ok()?;
    let validity = certificate.validity();
    let subject: String = certificate.subject().to_string().chars().take(SAID_CHARS_MAX).collect();
    let (subject, shown) = (visible(&subject), path.display());
    let (begin, end) = (in_words(validity.not_before), in_words(validity.not_after));
    if now > validity.not_after {
        Some(format!(
            "the certificate of `{subject}` in {shown} expired on {end}, so clients refuse it: renew it"
        ))
    } else if now < validity.not_before {
        Some(format!(
            "the certificate of `{subject}` in {shown} is not valid before {begin}, so clients refuse it until then; is the \
             clock of this machine right?"
        ))
    } else {
        None
    }
}

fn in_words(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let (year, month, day) = time.to_calendar_date();
    format!("{year}-{:02}-{day:02} {:02}:{:02} UTC", u8::from(month), time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate in PEM with this name, valid in January and February of 2026.
    fn certificate(name: &str) -> String {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 3, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    fn told(pem: &str, (year, month, day): (i32, u8, u8)) -> Vec<String> {
        warnings_at(Path::new("cert.pem"), pem.as_bytes(), date_time_ymd(year, month, day).into())
    }

    #[test]
    fn a_certificate_is_told_of_before_its_time_and_after_it() {
        let pem = certificate("a\u{202e}b");

        assert_eq!(
            told(&pem, (2025, 12, 31)),
            [
                "the certificate of `CN=a\\u{202e}b` in cert.pem is not valid before 2026-01-01 00:00 UTC, so clients refuse \
                 it until then; is the clock of this machine right?"
            ]
        );
        assert_eq!(told(&pem, (2026, 1, 1)), [""; 0]);
        assert_eq!(told(&pem, (2026, 3, 1)), [""; 0]);
        assert_eq!(
            told(&pem, (2026, 3, 2)),
            [
                "the certificate of `CN=a\\u{202e}b` in cert.pem expired on 2026-03-01 00:00 UTC, so clients refuse it: renew \
                 it"
            ]
        );
    }

    #[test]
    fn each_certificate_of_a_chain_counts_and_nothing_else_of_the_file() {
        let key = KeyPair::generate().unwrap().serialize_pem();
        let pem = format!("# Mine.\n{key}{}{}", certificate("one"), certificate("two"));

        let told = told(&pem.replace('\n', "\r\n"), (2030, 1, 1));

        assert!(told.len() == 2 && told[0].contains("CN=one") && told[1].contains("CN=two"), "{told:?}");
    }
}
