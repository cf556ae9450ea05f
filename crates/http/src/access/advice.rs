//! What an operator can do for a page that is refused: one place that knows what the settings take, so that no sentence of an
//! answer or of the log names a setting which would be refused, or which would not help.

use http::HeaderValue;

use super::head::RequestHead;
use super::origin::Origin;
use super::page::parsed;
use crate::config::{Hosts, HttpConfig};

/// What can be done for the pages of an origin, without the first word in upper case and without a full stop.
pub(super) fn advice(config: &HttpConfig, head: &RequestHead<'_>, origin: &HeaderValue) -> String {
    match parsed(origin) {
        Some(origin) if origin.is_of_pages() => for_pages(config, head, &origin),
        // Their pages, if there are any, send `null`.
        Some(origin) => format!(
            "no page has such an origin ({}), so it cannot be allowed by name",
            if origin.port() == Some(0) { "with port 0" } else { "with this scheme" }
        ),
        // RFC 6454, 6.1: `null` stands for every origin that has no name. Some views of apps write `file://` in its place.
        None if origin == "null" || origin.as_bytes().starts_with(b"file:") => {
            "this is the origin of a page that was opened from a file or stands in a sandboxed frame, and it cannot be \
             allowed by name; serve the page over HTTP and allow that origin with --cors-origin, or allow all origins with \
             --cors-origin '*'"
                .to_owned()
        }
        None => "this is no origin, which has a scheme, a host and perhaps a port, such as https://app.example, and nothing \
                 else, so it cannot be allowed by name"
            .to_owned(),
    }
}

fn for_pages(config: &HttpConfig, head: &RequestHead<'_>, origin: &Origin) -> String {
    let allow = format!("allow the origin with --cors-origin {origin}");
    match (origin.scheme(), &config.tls) {
        // The hub's own pages are https alone, whichever the names of its host.
        ("http", Some(_)) if is_of_the_hub(config, head, origin) => format!(
            "the page was loaded over http, and the pages of this hub are https alone: open https://{}; if another server \
             has served the page, {allow}",
            head.host.as_ref().map_or_else(|| origin.authority(), ToString::to_string)
        ),
        ("http", None) | ("https", _) => format!(
            "{allow}; if it is a page of the hub itself behind a proxy, let the proxy pass the `Host` of its client on, or \
             name the host with --allowed-host {}",
            origin.authority()
        ),
        // The page of an app, of an extension, or of a server without TLS: none of the hub's, whatever its host.
        _ => allow,
    }
}

/// Whether the host of an origin is the one that was asked for, or a name of the hub, on whatever port.
fn is_of_the_hub(config: &HttpConfig, head: &RequestHead<'_>, origin: &Origin) -> bool {
    let names = match &config.hosts {
        Hosts::Any => &[][..],
        Hosts::LoopbackAnd(names) => names,
    };
    head.host.iter().chain(names).any(|host| origin.is_at(host))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn config(has_tls: bool) -> HttpConfig {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["hub".to_owned()]).unwrap();
        let (cert, key) = (cert.pem(), signing_key.serialize_pem());
        let tls = has_tls.then(|| crate::tls::Tls::from_pem(cert.as_bytes(), key.as_bytes()).unwrap());
        HttpConfig {
            tls,
            hosts: Hosts::LoopbackAnd(vec!["hub.example".parse().unwrap()]),
            ..HttpConfig::default()
        }
    }

    fn advised(has_tls: bool, origin: &str) -> String {
        let request = Request::builder().header("host", "localhost:8443").header("origin", origin);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let head = RequestHead::read(&parts, None).unwrap_or_else(|problem| panic!("{}", problem.detail()));
        advice(&config(has_tls), &head, head.origin().unwrap())
    }

    #[test]
    fn an_origin_that_can_be_allowed_is_named_as_the_setting_takes_it() {
        for (origin, taken) in [
            ("http://evil.example:81", "http://evil.example:81"),
            ("https://App.Example:443", "https://app.example"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ] {
            for has_tls in [false, true] {
                let told = advised(has_tls, origin);
                assert!(told.contains(&format!("allow the origin with --cors-origin {taken}")), "{told}");
            }
        }
    }

    #[test]
    fn a_host_is_advised_only_where_a_page_of_the_hub_can_have_the_origin() {
        for (origin, has_tls, is_advised) in [
            ("http://a.example", false, true),
            ("https://a.example", false, true),
            ("https://a.example", true, true),
            ("http://a.example", true, false),
            ("http://localhost", true, false),
            ("capacitor://localhost", false, false),
            ("chrome-extension://abcdef", false, false),
        ] {
            let told = advised(has_tls, origin);
            assert_eq!(told.contains("--allowed-host"), is_advised, "{origin}: {told}");
        }
    }

    #[test]
    fn a_page_over_http_at_a_hub_with_tls_is_told_to_use_https() {
        for origin in ["http://localhost", "http://localhost:8080", "http://hub.example"] {
            let told = advised(true, origin);
            assert!(
                told.contains("loaded over http") && told.contains("open https://localhost:8443"),
                "{told}"
            );
            assert!(!advised(false, origin).contains("open https"), "{origin}");
        }
        assert!(!advised(true, "http://a.example").contains("loaded over http"));
    }

    #[test]
    fn what_cannot_be_allowed_by_name_is_said_to_be_so_and_no_setting_with_it_is_named() {
        for (origin, reason) in [
            ("null", "opened from a file"),
            ("file://", "opened from a file"),
            ("https://app.example/", "this is no origin"),
            ("https://m\u{fc}nchen.example", "this is no origin"),
            ("https://a.example, https://b.example", "this is no origin"),
            ("*", "this is no origin"),
            ("", "this is no origin"),
            ("wss://app.example", "with this scheme"),
            ("ftp://app.example", "with this scheme"),
            ("data://app.example", "with this scheme"),
            ("https://app.example:0", "with port 0"),
        ] {
            for has_tls in [false, true] {
                let told = advised(has_tls, origin);
                assert!(
                    told.contains(reason) && told.contains("cannot be allowed by name"),
                    "{origin}: {told}"
                );
                assert!(!told.contains("--allowed-host"), "{origin}: {told}");
                assert!(origin.is_empty() || !told.contains(&format!("--cors-origin {origin}")), "{told}");
            }
        }
    }
}
