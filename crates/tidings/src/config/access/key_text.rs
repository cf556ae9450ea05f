//! A key that signs or checks: a secret that issuers share with the hub, or a public key in PEM.

use std::fmt;

use tidings_access::jwt::Key;

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

    #[test]
    fn a_line_end_behind_a_secret_and_a_byte_order_mark_are_not_of_it() {
        let secret = KeyText::parse("\u{feff}0123456789abcdef 0123456789#bcdef\r\n").unwrap();

        assert_eq!(secret.as_bytes(), b"0123456789abcdef 0123456789#bcdef");
        assert_eq!(format!("{secret:?}"), "KeyText");
    }
}
