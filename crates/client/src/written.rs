//! Whether a URL is read as it was written, and what to write in place of one that is not.

use percent_encoding::percent_decode_str;
use url::Url;

/// What to write, if the path of a URL, whole or relative, is not the one that was written, but for what is percent-encoded.
pub(crate) fn advice(written: &str, url: &Url) -> Option<&'static str> {
    // The query first: an address may stand in it.
    let before_query = written.split(['?', '#']).next().unwrap_or_default();
    if has_same_path(before_query, url) {
        return None;
    }
    // URL Standard, "basic URL parser": white space at the ends is removed, then tabs and line ends everywhere.
    let is_end = |c: char| c <= ' ';
    let advice = if before_query.trim_matches(is_end).contains(['\t', '\n', '\r']) {
        "a tab or a line end in it is dropped; write %09 or %0A if it is meant"
    } else if written.trim_matches(is_end) != written {
        "white space at its ends is dropped; write %20 if it is meant"
    } else if !has_host_behind_two_slashes(before_query, url) {
        "what stands behind http: is not two slashes and a host; write http://HOST/PATH"
    } else if before_query.contains('\\') {
        "a \\ is read as a slash; write /, or %5C if it is meant"
    } else {
        "write that, or %2F for each slash beside a `.` or `..` that is meant"
    };
    Some(advice)
}

fn has_same_path(before_query: &str, url: &Url) -> bool {
    let behind_host =
        before_query.split_once("://").map(|(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let path = behind_host.unwrap_or(before_query);
    let decoded = |text| percent_decode_str(text).collect::<Vec<_>>();
    let (asked, path) = (decoded(url.path()), decoded(path));
    if path.starts_with(b"/") { asked == path } else { asked.ends_with(&path) }
}

/// Whether a URL with a scheme has the host where it belongs. One without a scheme has none.
fn has_host_behind_two_slashes(before_query: &str, url: &Url) -> bool {
    let Some((scheme, rest)) = before_query.split_once(':') else { return true };
    if !scheme.eq_ignore_ascii_case(url.scheme()) {
        return true;
    }
    rest.strip_prefix("//").is_some_and(|host| !host.starts_with(['/', '\\']))
}

/// What is wrong with the percent-encoding of a URL: a `%` without two hexadecimal digits behind it, in the words of the hub.
pub(crate) fn broken_escape(written: &str) -> Option<String> {
    let is_whole = |rest: &str| {
        let mut digits = rest.bytes().skip(1);
        let mut is_digit = || digits.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        is_digit() && is_digit()
    };
    let rest = written.match_indices('%').map(|(at, _)| &written[at..]).find(|rest| !is_whole(rest))?;
    let part: String = rest.chars().take("%41".len()).flat_map(char::escape_default).collect();
    Some(format!("`{part}`, and % begins two hexadecimal digits; write %25 for a % that is meant"))
}
