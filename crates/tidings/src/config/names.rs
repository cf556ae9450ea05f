//! Lists of names: origins of pages, hosts, and addresses of proxies. None of them has a comma in it, so a comma stands
//! between two.

use std::net::IpAddr;

use tidings_http::{Host, Origin, OriginError};

use super::value::{BadValue, Form, Value};

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
        match members(text) {
            members if members == ["*"] => Ok(Self::Any),
            members => members.iter().map(|member| origin(member)).collect::<Result<_, _>>().map(Self::Only),
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
        let hosts = members(text).iter().map(|member| member.parse()).collect::<Result<_, _>>();
        let hint = if text.is_ascii() {
            "write a name or an address, with a port of at most 65535 or without, such as hub.example.com"
        } else {
            PUNYCODE
        };
        hosts.map(Self).map_err(|_| BadValue::new("a host name", hint))
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
        let addresses = members(text).iter().map(|member| member.parse()).collect::<Result<_, _>>();
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
    members.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

fn members(text: &str) -> Vec<String> {
    match text {
        "" => Vec::new(),
        text => text.split(',').map(|member| member.trim().to_owned()).collect(),
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
