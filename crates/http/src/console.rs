//! The pages for people: files that the binary embeds, handed in as values.
//!
//! The hub may stand below a path of another server, a proxy's or a router's, and is not told which. A proxy may also have
//! changed what is behind that path (nginx decodes `%2F`, and then the page is deeper here than in the browser). So the page is
//! told at which path it was asked for here, and a script in it, which runs before any file is named, finds the hub's root in the
//! address that the browser has. The page's policy lets this one script run, by its hash.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use axum::extract::OriginalUri;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION, REFERRER_POLICY, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use ring::digest::{SHA256, digest};
use tidings_core::limits::{TOPIC_BYTES_MAX, TOPIC_SEGMENTS_MAX};

use crate::aliases::Aliases;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::request::if_none_match::is_known;

/// Nothing but the hub's own files, and what is named behind `script-src`, runs on its pages, and nothing frames them. They may
/// frame what the hub answers as a frame, which shows the transport.
fn policy(script: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self'{script}; style-src 'self'; connect-src 'self'; frame-src 'self'; \
         img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("a hash in Base64 goes on with a header value")
}

/// A file of the console.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The media type, such as `text/css; charset=utf-8`.
    pub content_type: &'static str,
    /// A quoted entity tag that changes with the bytes.
    pub etag: HeaderValue,
    /// The file.
    pub bytes: Bytes,
}

/// The page of the hub and of every topic.
const INDEX: &str = "index.html";

/// Stands in the page for the path at which it was asked for, behind that of a router.
const PATH: &str = "{path}";

/// Stands in the page for the way to the hub's root, such as `../../`, if nothing on the way changed the path.
const ROOT: &str = "{root}";

/// Stands in the page for the way from the hub's root to the page of the hub.
const HOME: &str = "{home}";

/// Stands in the page for the [`Aliases`], as a JSON object of paths and topics that an attribute can hold.
const ALIASES: &str = "{aliases}";

/// The files of the console by their path below `/console/`. `index.html` is also the page of every topic. In it, `{path}`
/// becomes the path at which it was asked for, `{root}` the way from there to the hub's root, `{home}` the way from the root to
/// the page of the hub, and `{aliases}` the other paths of topics. One `<script>` without attributes may stand in it.
#[derive(Debug, Clone)]
pub struct Pages {
    files: HashMap<String, Asset>,
    aliases: Aliases,
    policy: HeaderValue,
}

impl Default for Pages {
    fn default() -> Self {
        Self::new([])
    }
}

impl Pages {
    /// Collects files.
    pub fn new(files: impl IntoIterator<Item = (String, Asset)>) -> Self {
        let files: HashMap<String, Asset> = files.into_iter().collect();
        let script = files.get(INDEX).and_then(Asset::script).map(|script| {
            let hash = BASE64_STANDARD.encode(digest(&SHA256, script.as_bytes()));
            format!(" 'sha256-{hash}'")
        });
        Self { files, aliases: Aliases::default(), policy: policy(&script.unwrap_or_default()) }
    }

    /// The same files, in a hub that has these aliases.
    pub(crate) fn with_aliases(mut self, aliases: &Aliases) -> Self {
        if let Some(index) = self.files.get_mut(INDEX) {
            *index = index.telling(aliases);
        }
        Self { aliases: aliases.clone(), ..self }
    }

    /// The page of the hub.
    pub(crate) fn home(&self, parts: &Parts) -> Result<Response<Body>, Problem> {
        match without_slash(parts) {
            Some(location) => Ok(redirect(location)),
            None => self.index(parts),
        }
    }

    /// The page of the hub, or of a topic. An alias leads to the page of its topic.
    pub(crate) fn index(&self, parts: &Parts) -> Result<Response<Body>, Problem> {
        let (asset, ways) = (self.files.get(INDEX).ok_or_else(not_found)?, Ways::from(parts)?);
        let mut response = match self.aliases.get(parts.uri.path()) {
            Some(topic) => redirect(location(&format!("{}events/{topic}", ways.root), parts)?),
            None => self.answer(&asset.with(&ways), &parts.headers),
        };
        // The same URL answers programs with a stream.
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
        Ok(response)
    }

    pub(crate) fn file(&self, path: &str, parts: &Parts) -> Result<Response<Body>, Problem> {
        if path == INDEX {
            return self.index(parts);
        }
        Ok(self.answer(self.files.get(path).ok_or_else(not_found)?, &parts.headers))
    }

    fn answer(&self, asset: &Asset, request: &HeaderMap) -> Response<Body> {
        let known = is_known(request, &asset.etag);
        let mut response = Response::new(if known { Body::empty() } else { Body::full(asset.bytes.clone()) });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
        headers.insert(ETAG, asset.etag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }
}

impl Asset {
    /// The page with the aliases filled in. Its tag tells them apart.
    fn telling(&self, aliases: &Aliases) -> Self {
        let Some(page) = std::str::from_utf8(&self.bytes).ok().filter(|page| page.contains(ALIASES)) else {
            return self.clone();
        };
        let topics: BTreeMap<_, _> =
            aliases.iter().map(|(path, selector)| (path, selector.as_str())).collect();
        let json = serde_json::to_string(&topics).expect("texts and their names are always JSON");
        Self {
            content_type: self.content_type,
            etag: tagged(&self.etag, &json),
            bytes: page.replace(ALIASES, &escaped(&json)).into(),
        }
    }

    /// The page with its ways filled in. Its tag tells them apart.
    fn with(&self, ways: &Ways<'_>) -> Self {
        let Some(page) = std::str::from_utf8(&self.bytes).ok().filter(|page| page.contains(ROOT)) else {
            return self.clone();
        };
        // The path comes last: it may have in it what stands for the others.
        let page = page.replace(ROOT, &ways.root).replace(HOME, ways.home);
        Self {
            content_type: self.content_type,
            etag: tagged(&self.etag, &format!("{} {}", ways.path, ways.home)),
            bytes: page.replace(PATH, &escaped(ways.path)).into(),
        }
    }

    /// The script that stands in the page.
    fn script(&self) -> Option<&str> {
        let (_, rest) = std::str::from_utf8(&self.bytes).ok()?.split_once("<script>")?;
        rest.split_once("</script>").map(|(script, _)| script)
    }
}

/// A text so that it can stand in an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An entity tag with more at its end, which changes with a text.
fn tagged(etag: &HeaderValue, text: &str) -> HeaderValue {
    let own = etag.as_bytes();
    let own = own.strip_suffix(b"\"").unwrap_or(own);
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let tag = [own, format!("-{:x}\"", hasher.finish()).as_bytes()].concat();
    HeaderValue::from_bytes(&tag).expect("digits and a quote go on with a header value")
}

/// Where a page is, and what is where from there.
struct Ways<'a> {
    /// The path of the page, as it came here.
    path: &'a str,
    /// From there to the hub's root.
    root: String,
    /// From the root to the page of the hub.
    home: &'static str,
}

impl<'a> Ways<'a> {
    /// A browser takes away what stands behind the last slash of the page's path by itself, and does not count `%2F`.
    fn from(parts: &'a Parts) -> Result<Self, Problem> {
        let path = parts.uri.path();
        let depth = path.bytes().filter(|byte| *byte == b'/').count().saturating_sub(1);
        // The longest is `/events/`, a topic of which each byte is encoded, and a slash. A longer path would only make a
        // larger page.
        if depth > TOPIC_SEGMENTS_MAX + 1 || path.len() > "/events//".len() + 3 * TOPIC_BYTES_MAX {
            return Err(not_found());
        }
        let root = if depth == 0 { "./".to_owned() } else { "../".repeat(depth) };
        // A router that nests the hub at `/hub` does not hand it `/hub/`.
        let nested = original_path(parts).is_some_and(|original| original != path);
        Ok(Self { path, root, home: if nested { "console/" } else { "" } })
    }
}

/// Where the page of the hub is, if it was asked for as `/hub` of a router that nests the hub there: a browser would look
/// for its files beside that path, not below it.
fn without_slash(parts: &Parts) -> Option<HeaderValue> {
    let name = original_path(parts)?.rsplit('/').next()?;
    if name.is_empty() || parts.uri.path() != "/" {
        return None;
    }
    location(&format!("./{name}/console/"), parts).ok()
}

/// A reference with the query of the request.
fn location(path: &str, parts: &Parts) -> Result<HeaderValue, Problem> {
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    HeaderValue::try_from(format!("{path}{query}")).map_err(|_| not_found())
}

/// The path before a router took away what the hub is nested below.
fn original_path(parts: &Parts) -> Option<&str> {
    parts.extensions.get().map(|OriginalUri(uri)| uri.path())
}

fn redirect(location: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(LOCATION, location);
    response
}

/// Whether a file of the console is about inboxes alone.
pub(crate) fn is_of_inbox(file: &str) -> bool {
    file == "inbox.html" || file.starts_with("inbox-demo/")
}

pub(crate) fn not_found() -> Problem {
    let detail = "there is nothing here; events are at /events/{topic}, the console is at /";
    Problem::new(ProblemType::NotFound, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_told_the_aliases_in_an_attribute_and_its_tag_changes_with_them() {
        let page = |aliases: &[(&str, &str)]| {
            let etag = HeaderValue::from_static("\"i1\"");
            let bytes = Bytes::from_static(b"<meta content=\"{aliases}\">");
            let index = Asset { content_type: "text/html", etag, bytes };
            let pages = Pages::new([(INDEX.to_owned(), index)]);
            let index =
                pages.with_aliases(&Aliases::new(aliases.iter().copied()).unwrap()).files[INDEX].clone();
            (String::from_utf8(index.bytes.to_vec()).unwrap(), index.etag)
        };

        let (none, one) = (page(&[]), page(&[("/stream", "a\"<&>'")]));

        assert_eq!(none.0, "<meta content=\"{}\">");
        let told = "<meta content=\"{&quot;/stream&quot;:&quot;a\\&quot;&lt;&amp;&gt;'&quot;}\">";
        assert_eq!(one.0, told);
        assert_ne!(none.1, one.1);
        assert_eq!(one.1, page(&[("/stream", "a\"<&>'")]).1);
    }
}
