//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, header};

/// How long the server asks to stay away. A date is read against the answer's own `Date`, so that a client's clock
/// does not matter.
#[expect(clippy::disallowed_methods, reason = "a server that sends no Date leaves only our own clock")]
pub(crate) fn of(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = date(headers, &header::DATE).unwrap_or_else(SystemTime::now);
    Some(until.duration_since(now).unwrap_or(Duration::ZERO))
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn seconds_are_seconds() {
        assert_eq!(of(&headers(&[(header::RETRY_AFTER, "120")])), Some(Duration::from_secs(120)));
    }

    #[test]
    fn a_date_counts_from_the_date_of_the_answer() {
        let headers = headers(&[
            (header::RETRY_AFTER, "Wed, 21 Oct 2015 07:28:00 GMT"),
            (header::DATE, "Wed, 21 Oct 2015 07:27:15 GMT"),
        ]);

        assert_eq!(of(&headers), Some(Duration::from_secs(45)));
    }

    #[test]
    fn a_date_that_has_passed_asks_for_nothing() {
        assert_eq!(
            of(&headers(&[(header::RETRY_AFTER, "Wed, 21 Oct 2015 07:28:00 GMT")])),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn nonsense_is_no_wish() {
        for value in ["", "soon", "-5", "1.5", "99999999999999999999999"] {
            assert_eq!(of(&headers(&[(header::RETRY_AFTER, value)])), None, "{value:?}");
        }
        assert_eq!(of(&HeaderMap::new()), None);
    }
}
