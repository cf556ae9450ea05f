//! Lists of names: origins of pages, hosts, and addresses of proxies. None of them has a comma in it, so a comma stands
//! between two.

use tidings_http::{AddressRange, Host, Origin, OriginError};

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
            members => {
                let parsed = |member| origin(member).map_err(|bad| bad.about(member));
                members.into_iter().map(parsed).collect::<Result<_, _>>().map(Self::Only)
            }
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

const NO_PUNYCODE: &str =
    "what follows xn-- is no Punycode; write the name as a browser sends it, such as xn--bcher-kva.example";

fn origin(text: &str) -> Result<Origin, BadValue> {
    let origin = parsed_origin(text)?;
    if !is_taken_by_browsers(&origin.to_string()) {
        return Err(BadValue::new("an origin that a page can have", NO_PUNYCODE));
    }
    match never_sent(&origin) {
        Some(hint) => Err(BadValue::new("an origin that a page can have", &hint)),
        None => Ok(origin),
    }
}

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
        scheme if !origin.is_of_pages() => Some(format!(
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
        let host = |member: &str| match member.parse::<Host>() {
            Ok(host) if host.port() == Some(0) => Err(not_a_host(member)),
            Ok(host) if !is_taken_by_browsers(&format!("http://{host}")) => {
                Err(BadValue::new("a host name", NO_PUNYCODE).about(member))
            }
            Ok(host) => Ok(host),
            Err(_) => Err(not_a_host(member)),
        };
        members(text, "a host name")?.into_iter().map(host).collect::<Result<_, _>>().map(Self)
    }

    fn text(&self) -> String {
        joined(&self.0)
    }
}

/// Whether a URL can begin like this. Browsers refuse names with a part after `xn--` that is no Punycode, so none can be sent.
fn is_taken_by_browsers(text: &str) -> bool {
    url::Url::parse(text).is_ok()
}

fn not_a_host(member: &str) -> BadValue {
    let hint = if member.is_ascii() {
        "write a name or an address, with a port of at most 65535 or without, such as hub.example.com"
    } else {
        PUNYCODE
    };
    BadValue::new("a host name", hint).about(member)
}

/// Addresses of proxies that speak for others.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) struct Addresses(pub(crate) Vec<AddressRange>);

impl Value for Addresses {
    const FORM: Form = Form::List;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let what = "an IP address or a range of them";
        let hint = "write the address alone, without a port, such as 127.0.0.1 or ::1, or a range of them, such as 10.0.0.0/8 or fd00::/8";
        let address = |member: &str| member.parse().map_err(|_| BadValue::new(what, hint).about(member));
        members(text, what)?.into_iter().map(address).collect::<Result<_, _>>().map(Self)
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
            ("wss://app.example", "https://app.example"),
            ("ftp://app.example", "no page has an origin with the scheme ftp"),
            ("htps://app.example", "did you mean https://app.example"),
            ("https://app.example:0", "no page has port 0"),
            ("https://xn--", "no Punycode"),
            ("http://a.xn--99999999.example", "no Punycode"),
        ] {
            let hint = Origins::parse(text).unwrap_err().hint;
            assert!(hint.contains(words), "{text}: {hint}");
        }
        for (text, words) in [
            ("b\u{fc}cher.example", "Punycode"),
            ("a.example:99999", "65535"),
            ("a.example:0", "65535"),
            ("xn--", "no Punycode"),
            ("XN--a-99999999.example:80", "no Punycode"),
        ] {
            let hint = HostNames::parse(text).unwrap_err().hint;
            assert!(hint.contains(words), "{text}: {hint}");
        }
    }

    #[test]
    fn names_that_browsers_and_containers_have_are_taken() {
        for text in [
            "https://xn--bcher-kva.example",
            "http://my_app:8080",
            "http://[::1]:3000",
            "capacitor://localhost",
            "tauri://localhost",
            "chrome-extension://abcdef",
        ] {
            assert!(Origins::parse(text).is_ok(), "{text}");
        }
        for text in ["xn--bcher-kva.example", "my_upstream", "hub.example.", "[::1]:80", "10.0.0.1"] {
            assert!(HostNames::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn of_a_list_the_member_is_told_that_is_wrong() {
        let part = |bad: Result<(), BadValue>| bad.unwrap_err().part;

        let told = |member: &str| Some(member.to_owned());
        assert_eq!(
            part(Origins::parse("https://a.example, a.example ,https://b.example").map(drop)),
            told("a.example")
        );
        assert_eq!(part(HostNames::parse("a.example,b..example,[c").map(drop)), told("b..example"));
        assert_eq!(part(Addresses::parse("::1,10.0.0.0/8,10.0.0.0/33").map(drop)), told("10.0.0.0/33"));
    }

    #[test]
    fn proxies_are_addresses_and_ranges_of_them() {
        let text = |text: &str| Addresses::parse(text).unwrap().text();

        assert_eq!(text("127.0.0.1, ::1"), "127.0.0.1,::1");
        assert_eq!(text("10.1.2.3/8,fd00::/8,::ffff:192.0.2.0/120"), "10.0.0.0/8,fd00::/8,192.0.2.0/24");
        assert_eq!(text("[]"), "[]");
    }
}
