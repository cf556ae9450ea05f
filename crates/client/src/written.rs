//! Whether a URL is read as it was written.

use percent_encoding::percent_decode_str;
use url::Url;

/// Whether the path of a URL is the one that was written, whole or relative, but for what is percent-encoded.
pub(crate) fn is_as_written(written: &str, url: &Url) -> bool {
    // The query first: an address may stand in it.
    let before_query = written.split(['?', '#']).next().unwrap_or_default();
    let behind_host =
        before_query.split_once("://").map(|(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let path = behind_host.unwrap_or(before_query);
    let decoded = |text| percent_decode_str(text).collect::<Vec<_>>();
    let (asked, path) = (decoded(url.path()), decoded(path));
    if path.starts_with(b"/") { asked == path } else { asked.ends_with(&path) }
}
