//! Whether a client takes gzip.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use super::accept::{divided, thousandths};

/// What a list of `Accept-Encoding` says of the codings that the hub has, in thousandths. RFC 9110, 12.5.3.
#[derive(Default)]
struct Wishes {
    gzip: Option<u16>,
    identity: Option<u16>,
    /// `*`: whatever is not named.
    others: Option<u16>,
}

/// Whether a client accepts gzip, and does not like plain bytes better. Without the header it has said nothing, and gets plain bytes.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut wishes = Wishes::default();
    for line in headers.get_all(ACCEPT_ENCODING) {
        let members = divided(line.as_bytes(), b',');
        members.filter_map(|member| std::str::from_utf8(member).ok()).for_each(|member| wishes.note(member));
    }
    let gzip = wishes.gzip.or(wishes.others).unwrap_or(0);
    // Plain bytes need not be named, and then whatever is named is liked better.
    gzip > 0 && wishes.identity.is_none_or(|identity| gzip >= identity)
}

impl Wishes {
    fn note(&mut self, member: &str) {
        let mut parts = member.split(';').map(str::trim);
        let Some(coding) = parts.next() else { return };
        // RFC 9110, 8.4.1.3: "A recipient SHOULD consider "x-gzip" to be equivalent to "gzip"."
        let wish = match coding {
            _ if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") => {
                &mut self.gzip
            }
            _ if coding.eq_ignore_ascii_case("identity") => &mut self.identity,
            "*" => &mut self.others,
            _ => return,
        };
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        });
        let quality = match weight {
            None => 1_000,
            // Plain bytes are read by everybody: with a weight that cannot be read, the coding is left out.
            Some(weight) => thousandths(weight).unwrap_or(0),
        };
        *wish = Some(quality.max(wish.unwrap_or(0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_chosen_by_those_who_take_it() {
        for (accepted, expected) in [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("GZip ; Q=0.3", true),
            ("x-gzip", true),
            ("*", true),
            ("br;q=1.0, gzip;q=0.8, *;q=0.1", true),
            ("identity;q=0.5, gzip", true),
            ("gzip, identity", true),
            ("identity;q=0, *", true),
            ("deflate, *;q=0.2", true),
            ("gzip;q=.5", true),
            ("gzip;x=1;q=0.001", true),
            ("gzip;q=0, x-gzip", true),
            ("", false),
            ("identity", false),
            ("br, deflate", false),
            ("gzip;q=0", false),
            ("gzip;q=0.000, *", false),
            ("gzip;q=0, *;q=1", false),
            ("*;q=0", false),
            ("identity, gzip;q=0.9", false),
            ("identity;q=0.5, *;q=0.4", false),
            ("gzip;q=high", false),
            ("gzip;q=", false),
            ("gzip;q=-1", false),
            ("gzipped, xgzip, gzi p", false),
            ("br;gzip", false),
            ("\"gzip\"", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, accepted.parse().unwrap())]);
            assert_eq!(accepts_gzip(&headers), expected, "{accepted}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn several_lines_are_one_list() {
        let line = |bytes: &[u8]| (ACCEPT_ENCODING, http::HeaderValue::from_bytes(bytes).unwrap());
        for (lines, expected) in [
            ([&b"br"[..], b"gzip"], true),
            ([b"gzip", b"identity;q=0.1"], true),
            ([b"gzip;q=0.5", b"identity"], false),
            ([b"\xff, gzip", b"\xfe"], true),
        ] {
            assert_eq!(accepts_gzip(&HeaderMap::from_iter(lines.map(line))), expected, "{lines:?}");
        }
    }
}
