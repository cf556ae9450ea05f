//! The address at which an issuer publishes its keys.

use std::fmt;

use url::{Host, Url};

use crate::config::value::{BadValue, Form, Value};

/// An address over https, or over http on this machine alone: whoever can change the answer can sign tokens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd)]
pub(crate) struct KeySetUrl(Url);

impl KeySetUrl {
    /// Parses an address.
    ///
    /// # Errors
    ///
    /// With what it must be, after "is not".
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let Ok(url) = Url::parse(text) else { return Err("a URL such as https://issuer.example/jwks.json") };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL without a user and a password");
        }
        let is_local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_local => Ok(Self(url)),
            "http" => Err("a URL over https: over http anybody on the way could put in keys of their own"),
            _ => Err("a URL over https, or over http on this machine"),
        }
    }
}

impl KeySetUrl {
    /// The address, which may hold a secret in its query.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for KeySetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query may hold a key of the provider's.
        f.write_str(&self.0[..url::Position::AfterPath])
    }
}

impl Value for KeySetUrl {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let hint = "write, for example, https://issuer.example/.well-known/jwks.json";
        // A password, or a key of the provider's in the query.
        Self::parse(text).map_err(|must| BadValue::new(must, hint).holds_secret())
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for text in ["https://a.example/jwks", "http://127.0.0.1:9/k", "http://[::1]/", "http://localhost/k"]
        {
            assert!(KeySetUrl::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "/k",
            "http://a.example/k",
            "http://10.0.0.1/k",
            "http://evillocalhost/k",
            "file:///k",
            "https://u:p@a.example/k",
            "https://:p@a.example/k",
        ] {
            assert!(KeySetUrl::parse(text).is_err(), "{text}");
        }
    }
}
