//! Whether a page of another origin may read, publish and resume: CORS as its browser checks it.

use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, header};

use crate::cmd::doctor::ask::{Asker, Question};
use crate::cmd::doctor::remedy::Fault;
use crate::cmd::doctor::report::Check;
use crate::cmd::doctor::target::Target;
use crate::terminal::chain::excerpt;

const NAME: &str = "cors";

/// Headers that a page sends beyond those that need no permission: of a token, of a resumption, and of a publish.
const SENT: [&str; 4] = ["authorization", "content-type", "idempotency-key", "last-event-id"];

/// What a browser finds wrong.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    words: String,
    fault: Fault,
}

/// Looks at what a page of `origin` would be told.
pub(in crate::cmd::doctor) async fn look(asker: &Asker, target: &Target, origin: &str) -> Check {
    if origin == target.origin() {
        return Check::well(NAME, "a page of that origin is one of the hub's own, and needs no CORS");
    }
    let Ok(value) = HeaderValue::from_str(origin) else {
        return Check::unknown(NAME, "the origin cannot be sent in a header");
    };
    let read =
        Question::stream(target.url(&[("mode", "poll"), ("since", "now")])).with(ORIGIN, value.clone());
    let read = match asker.whole(&read).await {
        Ok(read) => read,
        Err(error) => return Check::unknown(NAME, error.words()),
    };
    if let Some((kind, detail)) = read.problem()
        && kind == "origin-not-allowed"
    {
        let words = format!("the hub refuses: {detail}");
        return Check::finding(NAME, words).mended_by(Fault::OriginRefused { origin: origin.to_owned() });
    }
    if let Err(wrong) = shared(&read.headers, origin) {
        return found(wrong);
    }
    let is_public = is_public(&read.headers);
    match preflight(asker, target, value).await {
        Ok(headers) => match allowed(&headers, origin) {
            Ok(()) if is_public => Check::well(
                NAME,
                "pages of every origin may read and publish, without credentials such as cookies",
            ),
            Ok(()) => Check::well(
                NAME,
                format!("pages of {origin} may read and publish, also with credentials such as cookies"),
            ),
            Err(wrong) => found(wrong),
        },
        Err(check) => check,
    }
}

fn found(wrong: Wrong) -> Check {
    Check::finding(NAME, wrong.words).mended_by(wrong.fault)
}

/// Asks what a browser asks before a request that is not a simple one.
async fn preflight(asker: &Asker, target: &Target, origin: HeaderValue) -> Result<HeaderMap, Check> {
    let question = Question { method: Method::OPTIONS, ..Question::stream(target.url(&[])) };
    let question = question
        .with(ORIGIN, origin)
        .with(header::ACCEPT, HeaderValue::from_static("*/*"))
        .with(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"))
        .with(
            ACCESS_CONTROL_REQUEST_HEADERS,
            HeaderValue::from_static("authorization,content-type,idempotency-key,last-event-id"),
        );
    match asker.whole(&question).await {
        // Fetch standard, CORS-preflight fetch: "response's status is an ok status".
        Ok(answer) if answer.status.is_success() => Ok(answer.headers),
        Ok(answer) => {
            let words = format!("the preflight (OPTIONS) of a browser was answered {}", answer.words());
            Err(Check::finding(NAME, words).mended_by(Fault::Preflight))
        }
        Err(error) => Err(Check::unknown(NAME, format!("the preflight (OPTIONS): {}", error.words()))),
    }
}

/// Whether a page of the origin may read the answer.
fn shared(headers: &HeaderMap, origin: &str) -> Result<(), Wrong> {
    let lost = |words: String| Err(Wrong { words, fault: Fault::CorsLost });
    let origins = values(headers, &header::ACCESS_CONTROL_ALLOW_ORIGIN);
    let credentials = values(headers, &header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
    match (origins.as_slice(), credentials.as_slice()) {
        ([], _) => lost(
            "Access-Control-Allow-Origin is missing, though the hub lets the page in: something takes it out"
                .to_owned(),
        ),
        // Two lines are one value to a browser, and that is no origin.
        ([_, _, ..], _) => Err(Wrong {
            words: format!(
                "Access-Control-Allow-Origin is there {} times, and browsers take it once",
                origins.len()
            ),
            fault: Fault::CorsTwice,
        }),
        ([_], [_, _, ..]) => Err(Wrong {
            words: "Access-Control-Allow-Credentials is there more than once, and browsers take it once"
                .to_owned(),
            fault: Fault::CorsTwice,
        }),
        ([one], _) if one == "*" => Ok(()),
        ([one], _) if one != origin => Err(Wrong {
            words: format!("Access-Control-Allow-Origin is {}, not {origin}", excerpt(one)),
            fault: Fault::CorsTwice,
        }),
        ([_], [one]) if one == "true" => Ok(()),
        ([_], _) => lost("Access-Control-Allow-Credentials is missing: something takes it out".to_owned()),
    }
}

/// Whether a page of the origin may send what it would.
fn allowed(headers: &HeaderMap, origin: &str) -> Result<(), Wrong> {
    let preflight = |words: String| Wrong { words, fault: Fault::Preflight };
    shared(headers, origin).map_err(|wrong| Wrong {
        words: format!("in the preflight (OPTIONS): {}", wrong.words),
        // The hub has let the page in before, so it is not the hub that answers.
        fault: if wrong.fault == Fault::CorsLost { Fault::Preflight } else { wrong.fault },
    })?;
    let list = |name: &HeaderName| -> Vec<String> {
        let values = values(headers, name).join(",").to_ascii_lowercase();
        values.split(',').map(|name| name.trim().to_owned()).collect()
    };
    let methods = list(&header::ACCESS_CONTROL_ALLOW_METHODS);
    // POST needs no permission: it is a CORS-safelisted method.
    let names = list(&header::ACCESS_CONTROL_ALLOW_HEADERS);
    let missing: Vec<_> = SENT.into_iter().filter(|name| !names.iter().any(|there| there == name)).collect();
    if methods.iter().all(String::is_empty) && names.iter().all(String::is_empty) {
        return Err(preflight(
            "the preflight (OPTIONS) is answered without a permission: not by the hub".to_owned(),
        ));
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(preflight(format!("the preflight (OPTIONS) does not allow these headers: {missing}")));
    }
    Ok(())
}

fn is_public(headers: &HeaderMap) -> bool {
    values(headers, &header::ACCESS_CONTROL_ALLOW_ORIGIN) == ["*"]
}

fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> HeaderMap {
        let lines = text.lines().filter_map(|line| line.split_once(": "));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn fault(result: Result<(), Wrong>) -> Option<Fault> {
        result.err().map(|wrong| wrong.fault)
    }

    const GOOD: &str =
        "access-control-allow-origin: https://a.example\naccess-control-allow-credentials: true";

    #[test]
    fn an_answer_is_shared_as_a_browser_checks_it() {
        let of = |text: &str| fault(shared(&headers(text), "https://a.example"));

        assert_eq!(of(GOOD), None);
        assert_eq!(of("access-control-allow-origin: *"), None);
        assert_eq!(of(""), Some(Fault::CorsLost));
        assert_eq!(of("access-control-allow-origin: https://a.example"), Some(Fault::CorsLost));
        assert_eq!(of(&format!("{GOOD}\naccess-control-allow-origin: *")), Some(Fault::CorsTwice));
        assert_eq!(of(&format!("{GOOD}\naccess-control-allow-credentials: true")), Some(Fault::CorsTwice));
        assert_eq!(of("access-control-allow-origin: https://b.example"), Some(Fault::CorsTwice));
    }

    #[test]
    fn a_preflight_allows_every_header_that_a_page_sends() {
        let of = |text: &str| fault(allowed(&headers(&format!("{GOOD}\n{text}")), "https://a.example"));

        let all = SENT.join(", ").to_uppercase();
        assert_eq!(of(&format!("access-control-allow-headers: {all}")), None);
        assert_eq!(of("access-control-allow-headers: authorization"), Some(Fault::Preflight));
        // `*` does not cover Authorization.
        assert_eq!(of("access-control-allow-headers: *"), Some(Fault::Preflight));
        assert_eq!(of(""), Some(Fault::Preflight));
    }
}
