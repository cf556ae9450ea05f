//! The files of the web console, which the binary carries.

use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use http::HeaderValue;
use tidings_http::{Asset, Pages};

use crate::config::Config;

/// Path below `console/`, and content. The list is made by `build.rs`, from the kinds of file that `content_type` knows.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// Stands in the page for the kind of certificate: a line for curl to copy needs `-k` where nobody vouches for it.
const CERTIFICATE: &str = "{certificate}";

/// Stands in the page for whether there are inboxes: a page without them has no bell.
const INBOX: &str = "{inbox}";

/// What the page is told of the hub.
#[derive(Clone, Copy)]
struct Told {
    certificate: &'static str,
    inbox: &'static str,
}

/// The console's files, as the HTTP front wants them.
pub(crate) fn pages(config: &Config) -> Pages {
    let told = Told {
        certificate: if config.tls_self_signed { "self-signed" } else { "" },
        inbox: if config.inbox { "on" } else { "off" },
    };
    Pages::new(FILES.iter().map(|(path, bytes)| ((*path).to_owned(), asset(path, bytes, told))))
}

fn asset(path: &str, bytes: &'static [u8], told: Told) -> Asset {
    let page = std::str::from_utf8(bytes).ok().filter(|page| page.contains(CERTIFICATE));
    let filled = |page: &str| page.replace(CERTIFICATE, told.certificate).replace(INBOX, told.inbox);
    let bytes = page.map_or(Bytes::from_static(bytes), |page| filled(page).into());
    Asset { content_type: content_type(path), etag: etag(&bytes), bytes }
}

fn etag(bytes: &[u8]) -> HeaderValue {
    // Not against forgery: it changes when a new version of the binary brings a new version of the file.
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    let tag = format!("\"{:016x}\"", hasher.finish());
    HeaderValue::from_str(&tag).expect("hexadecimal digits in quotes are a header value")
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, kind)| kind) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("webmanifest") => "application/manifest+json",
        Some(_) | None => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_of_a_known_kind() {
        for (path, _) in FILES {
            assert_ne!(content_type(path), "application/octet-stream", "{path}");
        }
    }

    #[test]
    fn the_page_knows_a_certificate_that_nobody_vouches_for_and_whether_there_are_inboxes() {
        let (path, page) = FILES.iter().find(|(path, _)| *path == "index.html").unwrap();
        let line = |name: &str, content: &str| format!("<meta name=\"{name}\" content=\"{content}\">");

        for told in [Told { certificate: "self-signed", inbox: "on" }, Told { certificate: "", inbox: "off" }]
        {
            let asset = asset(path, page, told);

            let page = String::from_utf8(asset.bytes.to_vec()).unwrap();
            assert!(page.contains(&line("certificate", told.certificate)), "{}", told.certificate);
            assert!(page.contains(&line("inbox", told.inbox)), "{}", told.inbox);
            assert_eq!(asset.etag, etag(page.as_bytes()));
        }
    }

    #[test]
    fn the_tag_changes_with_the_bytes() {
        assert_eq!(etag(b"one"), etag(b"one"));
        assert_ne!(etag(b"one"), etag(b"two"));
    }
}
