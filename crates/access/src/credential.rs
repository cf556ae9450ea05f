//! The name of what a request has shown.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use tidings_core::limits::CREDENTIAL_BYTES_MAX;

use crate::named_key::KeyHash;
use crate::template::escaped;

/// What a request has shown, by its name and never by the secret itself. Its idempotency keys belong to it, a named key has a share
/// of its own, and the access log calls a named key by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Credential {
    /// A named key.
    Key(Box<str>),
    /// Something that names a user, empty if it names none: whichever token the user shows, since a renewed one must go on.
    User(Box<str>),
    /// A signed URL, by the name of the key that has signed it.
    Signature(Box<str>),
    /// What a program that decides in the place of the settings knows a sender by.
    Other(Box<str>),
}

impl Credential {
    /// The name under which its idempotency keys are kept. It has no control character, and a bound, and two credentials never have
    /// the same.
    pub fn name(&self) -> Cow<'_, str> {
        let (kind, name) = match self {
            // As in logs of hubs that had keys alone.
            Self::Key(name) if is_plain(name) => return Cow::Borrowed(name),
            Self::Key(name) => ("key", name),
            Self::User(name) => ("user", name),
            Self::Signature(name) => ("signed", name),
            Self::Other(name) => ("other", name),
        };
        // No escape begins with `%s`.
        let text = format!("{kind} {}", escaped(name));
        Cow::Owned(if text.len() <= CREDENTIAL_BYTES_MAX {
            text
        } else {
            format!("{kind} %{}", KeyHash::of(name.as_bytes()))
        })
    }
}

/// Whether a name needs no other before it: those of other kinds have a space.
fn is_plain(name: &str) -> bool {
    (1..=CREDENTIAL_BYTES_MAX).contains(&name.len())
        && !name.chars().any(|character| character == ' ' || character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_credential_has_a_name_of_its_own_that_can_be_kept() {
        let long = "x".repeat(CREDENTIAL_BYTES_MAX + 1);
        let hash = KeyHash::of(long.as_bytes()).to_string();
        let names =
            ["", &hash, "a", "user a", "signed a", "user ", "a\nb", "a%0Ab", "key", &long, &long[1..]];
        let all: Vec<_> = names
            .into_iter()
            .map(Box::<str>::from)
            .flat_map(|name| {
                [
                    Credential::Key(name.clone()),
                    Credential::User(name.clone()),
                    Credential::Signature(name.clone()),
                    Credential::Other(name),
                ]
            })
            .collect();

        for (at, credential) in all.iter().enumerate() {
            let name = credential.name();
            assert!(
                name.len() <= CREDENTIAL_BYTES_MAX && !name.chars().any(char::is_control),
                "{credential:?}"
            );
            // Nobody at all has the empty name.
            assert!(!name.is_empty(), "{credential:?}");
            for other in &all[..at] {
                assert_ne!(other.name(), name, "{other:?} and {credential:?}");
            }
        }
    }

    #[test]
    fn names_stay_what_they_are_in_logs_that_exist() {
        for (credential, name) in [
            (Credential::Key("backend".into()), "backend"),
            (Credential::User("u1".into()), "user u1"),
            (Credential::User("".into()), "user "),
            (Credential::User("a/b".into()), "user a%2Fb"),
            (Credential::Signature("default".into()), "signed default"),
        ] {
            assert_eq!(credential.name(), name);
        }
    }
}
