//! A key that signs or checks: a secret that issuers share with the hub, or a public key in PEM.

use std::fmt;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value as Json;
use tidings_access::jwt::Key;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::config::value::{BadValue, Form, Value};

/// Secrets of examples on the web that are long enough to be taken, and that everybody knows.
const WELL_KNOWN: [&str; 4] = [
    "a-string-secret-at-least-256-bits-long",
    "!ChangeThisMercureHubJWTSecretKey!",
    "your-256-bit-secret-your-256-bit-secret",
    "secretsecretsecretsecretsecretsecret",
];

/// A secret, or a public key in PEM. No output shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd)]
pub(crate) struct KeyText(String);

impl KeyText {
    /// A key as it stands in a variable or a file: what stands around it is not of it.
    ///
    /// # Errors
    ///
    /// With a sentence, which shows nothing of the key.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}').trim_matches([' ', '\t', '\r', '\n']);
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        let text = if is_pem(text) {
            // Tools that take one line for a variable write the line ends of a PEM as \n.
            text.replace("\\n", "\n")
        } else {
            if let Some(at) = text.chars().position(char::is_control) {
                return Err(format!("character {} of it is a control character", at + 1));
            }
            check_known(text)?;
            check_public(text)?;
            text.to_owned()
        };
        let key = Self(text);
        key.key().map_err(|error| error.to_string())?;
        Ok(key)
    }

    /// The key that checks.
    pub(crate) fn key(&self) -> Result<Key, tidings_access::jwt::KeyError> {
        if self.is_pem() { Key::pem(self.0.as_bytes()) } else { Key::secret(self.0.as_bytes()) }
    }

    pub(crate) fn is_pem(&self) -> bool {
        is_pem(&self.0)
    }

    /// The key itself.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN ")
}

/// Refuses a secret that needs no guessing.
fn check_known(text: &str) -> Result<(), String> {
    let mut characters = text.chars();
    let first = characters.next();
    if first.is_some() && characters.all(|character| Some(character) == first) {
        return Err("it is one character again and again, and can be found by trying".to_owned());
    }
    if WELL_KNOWN.iter().any(|known| text.eq_ignore_ascii_case(known)) {
        return Err("it stands in examples on the web, and everybody knows it".to_owned());
    }
    Ok(())
}

/// Refuses a key that is public, in a form that is not taken: as a secret it would let everybody sign.
fn check_public(text: &str) -> Result<(), String> {
    let is_of_ssh =
        ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|begin| text.starts_with(begin));
    if is_of_ssh || is_public_der(text) {
        return Err("it is a public key without the lines of PEM around it, which everybody may know; write it as PEM, between \
                    -----BEGIN PUBLIC KEY----- and -----END PUBLIC KEY-----"
            .to_owned());
    }
    if matches!(serde_json::from_str(text), Ok(Json::Object(_) | Json::Array(_))) {
        return Err(
            "it is JSON, and no secret; a set of keys (JWKS) stands in a file, as an object with `keys`"
                .to_owned(),
        );
    }
    if ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err("it is a URL, and no secret; the keys of an issuer are fetched with jwks_url".to_owned());
    }
    Ok(())
}

/// Whether a text is a public key or a certificate in base64 alone, as identity providers show it.
fn is_public_der(text: &str) -> bool {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [STANDARD, URL_SAFE].iter().any(|alphabet| {
        GeneralPurpose::new(alphabet, config).decode(text).is_ok_and(|der| {
            SubjectPublicKeyInfo::from_der(&der).is_ok()
                || RSAPublicKey::from_der(&der).is_ok()
                || X509Certificate::from_der(&der).is_ok()
        })
    })
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText")
    }
}

/// What to do about a key that is refused.
pub(crate) const KEY_HINT: &str = "`tidings key` makes a good secret";

impl Value for KeyText {
    const FORM: Form = Form::Secret;

    fn parse(text: &str) -> Result<Self, BadValue> {
        Self::parse(text).map_err(|why| BadValue::new(&format!("a key: {why}"), KEY_HINT))
    }

    fn text(&self) -> String {
        "(not shown)".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_guessed_is_refused_and_not_repeated() {
        for (text, why) in [
            ("", "it is empty"),
            (" \r\n", "it is empty"),
            ("hunter2", "the secret has 7 bytes"),
            ("0123456789abcdef0123456789abcde", "the secret has 31 bytes"),
            ("a-string-secret-at-least-256-bits-long", "everybody knows it"),
            ("!changethismercurehubjwtsecretkey!", "everybody knows it"),
            ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "one character again and again"),
            ("0123456789abcdef\u{0}0123456789abcdef", "character 17 of it is a control character"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no public key in PEM"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "this is a private key"),
        ] {
            let told = KeyText::parse(text).unwrap_err();
            assert!(told.contains(why), "{text:?}: {told}");
            assert!(text.trim().len() < 2 || !told.contains(text.trim()), "{text:?}: {told}");
        }
    }

    /// They were taken as secrets, so that everybody who knew the public key could sign.
    #[test]
    fn what_is_public_is_no_secret_in_whatever_form_it_is_written() {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let base64 = |pem: &str| pem.lines().filter(|line| !line.starts_with('-')).collect::<String>();
        let (spki, certificate) = (base64(&pair.signing_key.public_key_pem()), base64(&pair.cert.pem()));
        let rsa = format!("MIIBCgKCAQEA{}AQIDAQAB", "x".repeat(340));
        let url_safe = spki.replace('+', "-").replace('/', "_");
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let (set, list) = (format!("{{\"keys\":[{jwk}]}}"), format!("[{jwk}]"));
        for text in [
            spki.as_str(),
            spki.trim_end_matches('='),
            &url_safe,
            &certificate,
            &rsa,
            jwk,
            &set,
            &list,
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIHU9v8wLvkeS5mVmGhJ7uG2bQkZbVUe0xC1mGz3S9lE me@here",
            "https://issuer.example/.well-known/jwks.json",
        ] {
            let told = KeyText::parse(text).unwrap_err();
            assert!(["public key", "JSON", "URL"].iter().any(|word| told.contains(word)), "{text}: {told}");
        }
        // What looks like one of them, and is a secret.
        for text in [
            "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA",
            "{0123456789abcdef0123456789abcdef}",
            "1234567890123456789012345678901234567890",
            "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        ] {
            assert!(KeyText::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_line_end_behind_a_secret_and_a_byte_order_mark_are_not_of_it() {
        let secret = KeyText::parse("\u{feff}0123456789abcdef 0123456789#bcdef\r\n").unwrap();

        assert_eq!(secret.as_bytes(), b"0123456789abcdef 0123456789#bcdef");
        assert_eq!(format!("{secret:?}"), "KeyText");
    }
}
