//! Lists of names: origins of pages, hosts, and addresses of proxies. None of them has a comma in it, so a comma stands
//! between two.

use std::net::IpAddr;

use tidings_http::{Host, Origin, OriginError};

use super::value::{BadValue, EMPTY_LIST, Form, Value};

/// Which origins' pages may use the hub.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Origins {
    /// All.
    Any,
    /// These.
    Only(Vec<Origin>),
}

impl Value for Origins {
    const FORM: Form = Form::List;

    fn parse(text: &str) -> Result<Self, BadValue> {
        match members(text, "an origin")? {
            members if members == ["*"] => Ok(Self::Any),
            members => members.into_iter().map(origin).collect::<Result<_, _>>().map(Self::Only),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Any => "*".to_owned(),
            Self::Only(origins) => joined(origins),
        }
    }
}

/// What browsers send for a name with letters beyond ASCII.
const PUNYCODE: &str =
    "write a name of another script in Punycode, as browsers send it, such as xn--bcher-kva.example";

fn origin(text: &str) -> Result<Origin, BadValue> {
    let origin = parsed_origin(text)?;
    match never_sent(&origin) {
        Some(hint) => Err(BadValue::new("an origin that a page can have", &hint)),
        None => Ok(origin),
    }
}

/// Schemes of URLs whose pages, if there are any, have the origin `null`. Apps have schemes of their own, which are not known.
const SCHEMES_WITHOUT_ORIGIN: [&str; 13] = [
    "about",
    "blob",
    "data",
    "file",
    "filesystem",
    "ftp",
    "ftps",
    "javascript",
    "mailto",
    "sftp",
    "ssh",
    "tcp",
    "udp",
];

/// What to write in the place of an origin that no browser ever sends.
fn never_sent(origin: &Origin) -> Option<String> {
    let scheme = origin.scheme();
    let behind = origin.to_string()[scheme.len()..].to_owned();
    if origin.port() == Some(0) {
        return Some(
            "no page has port 0; write the port that the address of the page shows, or none".to_owned(),
        );
    }
    match scheme {
        "http" | "https" => None,
        "ws" => Some(format!("write the scheme of the page: http{behind}")),
        "wss" => Some(format!("write the scheme of the page: https{behind}")),
        scheme if SCHEMES_WITHOUT_ORIGIN.contains(&scheme) => Some(format!(
            "no page has an origin with the scheme {scheme}; write https{behind} or http{behind}"
        )),
        scheme if is_nearly(scheme, "https") => Some(format!("did you mean https{behind}?")),
        scheme if is_nearly(scheme, "http") => Some(format!("did you mean http{behind}?")),
        _ => None,
    }
}

/// Whether a scheme has one letter too many, too few or wrong.
fn is_nearly(scheme: &str, meant: &str) -> bool {
    strsim::damerau_levenshtein(scheme, meant) == 1
}

fn parsed_origin(text: &str) -> Result<Origin, BadValue> {
    text.parse().map_err(|error| match error {
        OriginError::Path { origin } => {
            BadValue::new("an origin", &format!("write {origin} alone, without anything after it"))
        }
        OriginError::Scheme if text == "null" => {
            let hint = "`null` is the origin of every page that was opened from a file; serve the page over HTTP and write \
                        that origin, or write * alone";
            BadValue::new("an origin", hint)
        }
        OriginError::Scheme | OriginError::Host if !text.is_ascii() => BadValue::new("an origin", PUNYCODE),
        OriginError::Scheme if text.parse::<Host>().is_ok() => {
            BadValue::new("an origin", &format!("write https://{text} or http://{text}"))
        }
        OriginError::Scheme | OriginError::Host => {
            let hint =
                "write scheme and host without anything after it, such as https://example.com, or * alone";
            BadValue::new("an origin", hint)
        }
    })
}

/// Hosts that requests may ask for.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) struct HostNames(pub(crate) Vec<Host>);

impl Value for HostNames {
    const FORM: Form = Form::List;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let members = members(text, "a host name")?;
        let hosts = members.into_iter().map(|member| match member.parse::<Host>() {
            Ok(host) if host.port() != Some(0) => Ok(host),
            Ok(_) | Err(_) => Err(()),
        });
        let hint = if text.is_ascii() {
            "write a name or an address, with a port of at most 65535 or without, such as hub.example.com"
        } else {
            PUNYCODE
        };
        hosts.collect::<Result<_, _>>().map(Self).map_err(|()| BadValue::new("a host name", hint))
    }

    fn text(&self) -> String {
        joined(&self.0)
    }
}

/// Addresses of proxies that speak for others.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) struct Addresses(pub(crate) Vec<IpAddr>);

impl Value for Addresses {
    const FORM: Form = Form::List;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let members = members(text, "an IP address")?;
        let addresses = members.into_iter().map(str::parse).collect::<Result<_, _>>();
        addresses.map(Self).map_err(|_| {
            BadValue::new(
                "an IP address",
                "write the address alone, without a port, such as 127.0.0.1 or ::1",
            )
        })
    }

    fn text(&self) -> String {
        joined(&self.0)
    }
}

fn joined<T: ToString>(members: &[T]) -> String {
    if members.is_empty() {
        return EMPTY_LIST.to_owned();
    }
    members.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

/// The members of a list. An empty text has none, and is refused: a name is missing.
fn members<'a>(text: &'a str, expected: &str) -> Result<Vec<&'a str>, BadValue> {
    match text.trim() {
        "" => Err(BadValue::new(expected, "write a value, or leave the setting out; an empty list is []")),
        EMPTY_LIST => Ok(Vec::new()),
        text => Ok(text.split(',').map(str::trim).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_origin_or_host_is_told_what_to_write() {
        for (text, words) in [
            ("null", "opened from a file"),
            ("https://b\u{fc}cher.example", "Punycode"),
            ("app.example", "https://app.example"),
            ("https://app.example/", "write https://app.example alone"),
        ] {
            let hint = Origins::parse(text).unwrap_err().hint;
            assert!(hint.contains(words), "{text}: {hint}");
        }
        for (text, words) in [("b\u{fc}cher.example", "Punycode"), ("a.example:99999", "65535")] {
            let hint = HostNames::parse(text).unwrap_err().hint;
            assert!(hint.contains(words), "{text}: {hint}");
        }
    }
}
