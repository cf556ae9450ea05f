//! The pages for people: files that the binary embeds, handed in as values.
//!
//! The hub may stand below a path of another server, a proxy's or a router's, and is not told which. So a page names
//! the other files by the way from its own path up to the hub's root, which is the same below any path.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use axum::extract::OriginalUri;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, REFERRER_POLICY,
    VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tidings_core::limits::TOPIC_SEGMENTS_MAX;

use crate::aliases::Aliases;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// Nothing but the hub's own files runs on its pages, and nothing frames them. The hash is that of the one script which
/// stands in the page of the console; a browser's console says the right one if the script has changed.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'sha256-UZF4EVLw9O8RnNkHe7eM7KPN7YnsYQpU2/YbUeF5b2o='; \
     style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

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

/// Stands in the page for the way to the hub's root, such as `../../`.
const ROOT: &str = "{root}";

/// Stands in the page for the way to the page of the hub.
const HOME: &str = "{home}";

/// Stands in the page for the [`Aliases`], as a JSON object of paths and topics that an attribute can hold.
const ALIASES: &str = "{aliases}";

/// The files of the console by their path below `/console/`. `index.html` is also the page of every topic. In it, `{root}`
/// becomes the way from the page's path to the hub's root, `{home}` the way to the page of the hub, and `{aliases}` the other
/// paths of topics.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    files: HashMap<String, Asset>,
    aliases: Aliases,
}

impl Pages {
    /// Collects files.
    pub fn new(files: impl IntoIterator<Item = (String, Asset)>) -> Self {
        Self { files: files.into_iter().collect(), aliases: Aliases::default() }
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
            None => answer(&asset.with(&ways), &parts.headers),
        };
        // The same URL answers programs with a stream.
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
        Ok(response)
    }

    pub(crate) fn file(&self, path: &str, parts: &Parts) -> Result<Response<Body>, Problem> {
        if path == INDEX {
            return self.index(parts);
        }
        Ok(answer(self.files.get(path).ok_or_else(not_found)?, &parts.headers))
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
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        let escaped =
            json.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
        Self {
            content_type: self.content_type,
            etag: tagged(&self.etag, &format!("-{:x}", hasher.finish())),
            bytes: page.replace(ALIASES, &escaped).into(),
        }
    }

    /// The page with its ways filled in. Its tag tells them apart.
    fn with(&self, ways: &Ways) -> Self {
        let Some(page) = std::str::from_utf8(&self.bytes).ok().filter(|page| page.contains(ROOT)) else {
            return self.clone();
        };
        Self {
            content_type: self.content_type,
            etag: tagged(&self.etag, &format!("-{}-{}", ways.root.len(), ways.home.len())),
            bytes: page.replace(ROOT, &ways.root).replace(HOME, &ways.home).into(),
        }
    }
}

/// An entity tag with more at its end.
fn tagged(etag: &HeaderValue, more: &str) -> HeaderValue {
    let own = etag.as_bytes();
    let own = own.strip_suffix(b"\"").unwrap_or(own);
    let tag = [own, more.as_bytes(), b"\""].concat();
    HeaderValue::from_bytes(&tag).expect("digits and a quote go on with a header value")
}

/// Relative references from a page.
struct Ways {
    /// To the hub's root.
    root: String,
    /// To the page of the hub.
    home: String,
}

impl Ways {
    /// A browser takes away what stands behind the last slash of the page's path by itself, and does not count `%2F`.
    fn from(parts: &Parts) -> Result<Self, Problem> {
        let path = parts.uri.path();
        let depth = path.bytes().filter(|byte| *byte == b'/').count().saturating_sub(1);
        // The longest is `/events/`, a topic, and a slash. A longer path would only make a larger page.
        if depth > TOPIC_SEGMENTS_MAX + 1 {
            return Err(not_found());
        }
        let root = if depth == 0 { "./".to_owned() } else { "../".repeat(depth) };
        // A router that nests the hub at `/hub` does not hand it `/hub/`.
        let nested = original_path(parts).is_some_and(|original| original != path);
        let home = if nested { format!("{root}console/") } else { root.clone() };
        Ok(Self { root, home })
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

fn answer(asset: &Asset, request: &HeaderMap) -> Response<Body> {
    let known = request.get_all(IF_NONE_MATCH).iter().any(|tags| names(tags, &asset.etag));
    let mut response = Response::new(if known { Body::empty() } else { Body::full(asset.bytes.clone()) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(ETAG, asset.etag.clone());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Whether a list of entity tags has this one. Weak ones count: RFC 9110 section 13.1.2 compares them so here.
fn names(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let mut tags = tags.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    tags.any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
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
