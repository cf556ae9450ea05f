//! The browser client: the scripts that pages import from the hub.
//!
//! They are the bundle of `clients/js`, which the crate carries, so that the hub of another program serves them, too. `/tidings.js` and
//! `/tidings-inbox.js` are the entries, which browsers ask for again each time. The entries and each chunk that they load later have a name with a
//! hash in it as well, which may be kept for ever. Chunks are imported as `./tidings-HASH.js`, so all names stand in one folder, whatever path it is below.
//! `/tidings.json` tells the names with hashes for `integrity`. Names with a hash of former versions are served, too: a page may be open
//! since before an update.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use ring::digest::{SHA384, digest};
use serde::Serialize;

use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::request::accept_encoding::accepts_gzip;
use crate::request::if_none_match::is_known;

/// The list is made by `build.rs`.
static BUNDLE: &[Bundled] = include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// Whether it is of this version, the name in the bundle of its version, and the content.
type Bundled = (bool, &'static str, &'static [u8]);

/// What the hub serves, by name.
static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts::of(BUNDLE));

/// The entry, by the name that never changes.
pub(crate) const ENTRY: &str = "tidings.js";

/// The entry of the inbox and of its element, which imports the other one.
const INBOX_ENTRY: &str = "tidings-inbox.js";

/// The names with hashes.
pub(crate) const LIST: &str = "tidings.json";

/// A name that never changes may be another version the next time.
const ASK_AGAIN: &str = "no-cache";

/// A name with a hash is the same for ever; a year is as long as caches keep anything.
const KEEP: &str = "public, max-age=31536000, immutable";

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// What stands behind the slash of a path, if it is the name of a script, or may be one of another version.
pub(crate) fn name(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    let is_hashed = || name.starts_with("tidings-") && name.ends_with(".js") && !name.contains('/');
    (name == ENTRY || name == LIST || is_hashed()).then_some(name)
}

/// The script of a name.
pub(crate) fn answer(name: &str, parts: &Parts) -> Result<Response<Body>, Problem> {
    let script = SCRIPTS.0.get(name).ok_or_else(another_version)?;
    Ok(script.answer(parts))
}

fn another_version() -> Problem {
    let detail = "this version of the hub has no script of this name; /tidings.js is always there";
    // The next answer may come from a hub that has been brought up to date.
    Problem::new(ProblemType::NotFound, detail).with_header(CACHE_CONTROL, "no-store")
}

struct Scripts(BTreeMap<String, Script>);

/// A file in both of its codings.
struct Script {
    content_type: &'static str,
    cache_control: &'static str,
    plain: Coded,
    gzip: Coded,
}

struct Coded {
    bytes: Bytes,
    etag: HeaderValue,
}

/// The document at `/tidings.json`.
#[derive(Serialize)]
struct List<'a> {
    /// The version of the hub and of the client.
    version: &'a str,
    /// The entry, by its name with a hash.
    entry: &'a str,
    /// That of the inbox.
    inbox: &'a str,
    /// What `integrity` is for each name with a hash.
    integrity: BTreeMap<&'a str, String>,
}

impl Scripts {
    fn of(bundle: &[Bundled]) -> Self {
        let mut scripts = BTreeMap::new();
        let mut integrity = BTreeMap::new();
        let (mut entry, mut inbox) = (String::new(), String::new());
        for (is_current, name, bytes) in bundle {
            let script = |cache_control| Script::of(Bytes::from_static(bytes), JAVASCRIPT, cache_control);
            let hash = digest(&SHA384, bytes);
            let stem = [ENTRY, INBOX_ENTRY].contains(name).then(|| name.trim_end_matches(".js"));
            let hashed = stem.map_or_else(|| (*name).to_owned(), |stem| hashed_name(stem, hash.as_ref()));
            if *is_current {
                integrity.insert(hashed.clone(), format!("sha384-{}", BASE64_STANDARD.encode(hash)));
            }
            if *is_current && stem.is_some() {
                (if *name == ENTRY { &mut entry } else { &mut inbox }).clone_from(&hashed);
                scripts.insert((*name).to_owned(), script(ASK_AGAIN));
            }
            // A name with a hash is the same script in every version.
            scripts.entry(hashed).or_insert_with(|| script(KEEP));
        }
        let integrity = integrity.iter().map(|(name, hash)| (&**name, hash.clone())).collect();
        let list = List { version: env!("CARGO_PKG_VERSION"), entry: &entry, inbox: &inbox, integrity };
        let list = serde_json::to_vec(&list).expect("texts are always JSON");
        scripts.insert(LIST.to_owned(), Script::of(list.into(), "application/json", ASK_AGAIN));
        Self(scripts)
    }
}

/// The entries are built without a hash in their names.
fn hashed_name(stem: &str, hash: &[u8]) -> String {
    let digits: String = hash.iter().take(4).map(|byte| format!("{byte:02X}")).collect();
    format!("{stem}-{digits}.js")
}

impl Script {
    fn of(bytes: Bytes, content_type: &'static str, cache_control: &'static str) -> Self {
        let hash = digest(&SHA384, &bytes);
        let hash: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let etag = |coding: &str| {
            HeaderValue::try_from(format!("\"{hash}{coding}\""))
                .expect("hexadecimal digits in quotes are a header value")
        };
        Self {
            content_type,
            cache_control,
            gzip: Coded { bytes: compressed(&bytes), etag: etag("-gzip") },
            plain: Coded { bytes, etag: etag("") },
        }
    }

    fn answer(&self, parts: &Parts) -> Response<Body> {
        let is_gzip = accepts_gzip(&parts.headers);
        let coded = if is_gzip { &self.gzip } else { &self.plain };
        let is_known = is_known(&parts.headers, &coded.etag);
        let mut response =
            Response::new(if is_known { Body::empty() } else { Body::full(coded.bytes.clone()) });
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        headers.insert(ETAG, coded.etag.clone());
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if is_gzip {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// The file as gzip. It is made once, when the first page asks.
fn compressed(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("a Vec takes all bytes").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_hash_outlive_an_update_and_the_others_are_of_this_version() {
        let bundle: &[Bundled] = &[
            (true, "tidings.js", b"new"),
            (true, "tidings-AAAAAAAA.js", b"same"),
            (true, "tidings-inbox.js", b"inbox"),
            (false, "tidings.js", b"old"),
            (false, "tidings-AAAAAAAA.js", b"same"),
            (false, "tidings-BBBBBBBB.js", b"old chunk"),
        ];
        let hashed = |stem, text: &str| hashed_name(stem, digest(&SHA384, text.as_bytes()).as_ref());
        let names = [hashed("tidings", "new"), hashed("tidings", "old"), hashed("tidings-inbox", "inbox")];

        let Scripts(scripts) = Scripts::of(bundle);

        let content = |name: &str| (&*scripts[name].plain.bytes, scripts[name].cache_control);
        assert_eq!(content("tidings.js"), (&b"new"[..], ASK_AGAIN));
        assert_eq!(content(&names[0]), (&b"new"[..], KEEP));
        assert_eq!(content(&names[1]), (&b"old"[..], KEEP));
        assert_eq!(content("tidings-BBBBBBBB.js"), (&b"old chunk"[..], KEEP));
        assert_eq!(content("tidings-inbox.js"), (&b"inbox"[..], ASK_AGAIN));
        assert_eq!(content(&names[2]), (&b"inbox"[..], KEEP));
        let list: serde_json::Value = serde_json::from_slice(&scripts[LIST].plain.bytes).unwrap();
        assert_eq!(list["entry"], names[0]);
        assert_eq!(list["inbox"], names[2]);
        let told: Vec<_> = list["integrity"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(told.len(), 3);
        assert!(told.contains(&names[0]) && told.contains(&"tidings-AAAAAAAA.js".to_owned()), "{told:?}");
        assert!(told.contains(&names[2]), "{told:?}");
        assert_eq!(scripts.len(), 8);
    }
}
