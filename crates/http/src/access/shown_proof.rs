//! What a request shows to prove who sends it: read in one place, and one thing at a time.
//!
//! A request that shows two things is refused, because two programs could each believe another one. A cookie counts only where
//! nothing else is shown: a browser sends it by itself, and whoever adds something else means that.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, Method};
use tidings_access::Proof;
use tidings_access::signed_url::Signed;
use tidings_core::Selector;

use super::frame::cookie_counts;
use super::head::RequestHead;
use super::key::bearer_text;
use super::settings::AccessSettings;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::config::HttpConfig;
use crate::request::query::Query;

/// The parameters in which a request may show something.
pub(crate) const PROOF_PARAMETERS: &[&str] = &[ACCESS_TOKEN, EXPIRES, KEY, SIGNATURE, TICKET];

const ACCESS_TOKEN: &str = "access_token";
const EXPIRES: &str = "expires";
const KEY: &str = "key";
const SIGNATURE: &str = "signature";
const TICKET: &str = "ticket";

/// What a request shows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown<'a> {
    /// What its sender has put there.
    Meant(Proof<'a>),
    /// A ticket, which is used up by the request.
    Ticket(&'a str),
    /// An `Authorization` that is no key and no token, and why.
    NoBearer(&'static str),
    /// A token in a cookie, which a browser sends by itself.
    Cookie(&'a str),
    /// A cookie that does not count.
    Unusable(&'static str),
}

/// Reads it. `selectors` are what the request asks for, which a signature must cover.
pub(crate) fn shown<'a>(
    config: &HttpConfig,
    settings: &AccessSettings,
    head: &RequestHead<'a>,
    method: &'a Method,
    query: &'a Query<'_>,
    selectors: &'a [Selector],
) -> Result<Shown<'a>, Problem> {
    let token = query.one(ACCESS_TOKEN)?;
    let signature = signature(method, query, selectors)?;
    let ticket = query.one(TICKET)?;
    let bearer = head.headers.get(AUTHORIZATION).map(|value| bearer_text(value.as_bytes()));
    let count = [token.is_some(), signature.is_some(), ticket.is_some(), bearer.is_some()]
        .into_iter()
        .filter(|shown| *shown)
        .count();
    if count > 1 {
        let detail = "the request shows two of these: `Authorization`, `access_token`, `signature`, `ticket`; send one of them";
        return Err(Problem::new(ProblemType::SeveralCredentials, detail));
    }
    if let Some(bearer) = bearer {
        return Ok(match bearer {
            Ok(bearer) => Shown::Meant(Proof::Bearer(bearer)),
            Err(why) => Shown::NoBearer(why),
        });
    }
    if let Some(signature) = signature {
        return Ok(Shown::Meant(signature));
    }
    if let Some(ticket) = ticket {
        return Ok(Shown::Ticket(ticket));
    }
    match token {
        Some(_) if !settings.query => {
            Err(invalid("this hub takes no token in the URL; send it as `Authorization: Bearer TOKEN`"))
        }
        Some(token) => Ok(Shown::Meant(Proof::Token(token))),
        None => Ok(match cookie(head.headers, &settings.cookie) {
            Ok(None) => Shown::Meant(Proof::Nothing),
            Ok(Some(_)) if !cookie_counts(config, head, method.is_safe(), query) => Shown::Unusable(
                "its cookie does not count, because the request does not come from a page of the hub or of an origin that \
                 --cors-origin names",
            ),
            Ok(Some(token)) => Shown::Cookie(token),
            Err(why) => Shown::Unusable(why),
        }),
    }
}

/// What is shown is not taken; nothing of it is repeated.
fn invalid(detail: &str) -> Problem {
    Problem::invalid_credentials(detail)
}

fn signature<'a>(
    method: &'a Method,
    query: &'a Query<'_>,
    selectors: &'a [Selector],
) -> Result<Option<Proof<'a>>, Problem> {
    let (expires, key, signature) = (query.one(EXPIRES)?, query.one(KEY)?, query.one(SIGNATURE)?);
    let (expires, key, signature) = match (expires, key, signature) {
        (None, None, None) => return Ok(None),
        (Some(expires), Some(key), Some(signature)) => (expires, key, signature),
        _ => {
            return Err(invalid(
                "a signed URL has `expires`, `key` and `signature`, and one of them is missing",
            ));
        }
    };
    // One way of writing each moment: what is signed is the number.
    let digits =
        !expires.is_empty() && !expires.starts_with('0') && expires.bytes().all(|byte| byte.is_ascii_digit());
    let expires = digits.then(|| expires.parse().ok()).flatten();
    let expires = expires.ok_or_else(|| invalid("`expires` is a time in seconds since 1970, in digits"))?;
    let signed = Signed { method: method.as_str(), expires, selectors };
    Ok(Some(Proof::Signature { signed, key, signature }))
}

/// The value of a cookie. RFC 6265, 4.2.1; HTTP/2 may have it in several lines, RFC 9113, 8.2.3.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, &'static str> {
    // Cookies of other programs stand in the same line, and may have any bytes.
    let pairs =
        headers.get_all(COOKIE).into_iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let (found, value) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
        (found.trim_ascii() == name.as_bytes()).then(|| value[1..].trim_ascii())
    });
    let value = values.next();
    if values.next().is_some() {
        return Err("its cookie stands there twice, with another path or domain, so it does not count");
    }
    let text = |value| std::str::from_utf8(value).map_err(|_| "its cookie is no text, so it does not count");
    Ok(value
        .map(text)
        .transpose()?
        .map(|value| value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)))
}
