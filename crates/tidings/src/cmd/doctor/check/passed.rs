//! What arrives at the hub as it was sent: the path, the host, a `POST`, and the wish for a WebSocket.

use http::header::{CONNECTION, CONTENT_TYPE, HeaderName, ORIGIN, UPGRADE};
use http::{HeaderValue, Method, StatusCode};
use tidings_client::Offer;

use crate::cmd::doctor::ask::{Asker, Question};
use crate::cmd::doctor::remedy::Fault;
use crate::cmd::doctor::report::Check;
use crate::cmd::doctor::target::{Target, unused_name};

const PATH: &str = "path";
const HOST: &str = "host";
const POST: &str = "post";
const WEBSOCKET: &str = "websocket";

/// Looks whether a path arrives as it was sent. A hub refuses an empty segment, and takes an encoded slash beside one.
pub(in crate::cmd::doctor) async fn look_path(asker: &Asker, target: &Target) -> Option<Check> {
    if !target.has_topic_in_path() {
        return None;
    }
    let name = unused_name();
    let folded = kind(asker, target, &format!("events/{name}//x")).await;
    let decoded = kind(asker, target, &format!("events/{name}%2F%2Fx")).await;
    Some(match (folded.as_deref(), decoded.as_deref()) {
        (Err(words), _) | (_, Err(words)) => Check::unknown(PATH, words.to_owned()),
        (Ok("empty-segment"), Ok("empty-segment")) => {
            let words = "the path is decoded on the way: a topic that is sent as a%2F%2Fb is refused as a//b";
            Check::finding(PATH, words).mended_by(Fault::PathRewritten)
        }
        (Ok("empty-segment"), Ok(_)) => Check::well(PATH, "it arrives as it was sent"),
        (Ok(_), Ok(_)) => {
            let words = "the path is rewritten on the way: its slashes are folded, so that a%2F%2Fb may be the topic a/b";
            Check::finding(PATH, words).mended_by(Fault::PathRewritten)
        }
    })
}

/// What the hub says of a path: the kind of its problem, or nothing.
async fn kind(asker: &Asker, target: &Target, path: &str) -> Result<String, String> {
    let question = Question::stream(target.with_topic(path, &[("mode", "poll"), ("since", "now")]));
    let whole = asker.whole(&question).await.map_err(|error| error.words())?;
    match whole.problem() {
        Some((kind, _)) => Ok(kind),
        None if whole.is_event_stream() => Ok(String::new()),
        None => Err(format!("a path with two slashes was answered {}", whole.words())),
    }
}

/// Looks whether a page of the hub's own origin is known for one: the hub compares `Origin` with `Host`.
pub(in crate::cmd::doctor) async fn look_host(asker: &Asker, target: &Target) -> Check {
    let Ok(origin) = HeaderValue::from_str(&target.origin()) else {
        return Check::unknown(HOST, "the host cannot be sent in a header");
    };
    let question = Question::stream(target.url(&[("mode", "poll"), ("since", "now")])).with(ORIGIN, origin);
    let whole = match asker.whole(&question).await {
        Ok(whole) => whole,
        Err(error) => return Check::unknown(HOST, error.words()),
    };
    match whole.problem() {
        // There browsers say `Sec-Fetch-Site: same-origin`, which no page can forge.
        Some((kind, _)) if kind == "origin-not-allowed" && (target.is_https() || target.is_loopback()) => {
            let words = "a proxy puts another `Host` in the place of this one; that does no harm here, because over https, and on this \
                         machine, browsers tell the hub which pages are its own";
            Check::well(HOST, words)
        }
        Some((kind, detail)) if kind == "origin-not-allowed" => {
            let words =
                format!("the hub's own pages count as pages of another origin, and cannot publish: {detail}");
            Check::finding(HOST, words).mended_by(Fault::HostRewritten)
        }
        Some(_) => Check::unknown(HOST, format!("a page of the hub's own was answered {}", whole.words())),
        None if whole.is_event_stream() => {
            Check::well(HOST, "the hub answers for it, and knows its own pages")
        }
        None => Check::unknown(HOST, format!("a page of the hub's own was answered {}", whole.words())),
    }
}

/// Looks whether a `POST` arrives, by one that only reads: `POST /subscribe`, which the browser client tries where a `GET` is held back.
pub(in crate::cmd::doctor) async fn look_post(asker: &Asker, target: &Target) -> Option<Check> {
    let body = serde_json::json!({ "topics": [target.topic()?], "mode": "poll", "since": "now" }).to_string();
    let question = Question {
        method: Method::POST,
        body: body.into(),
        ..Question::stream(target.with_topic("subscribe", &[]))
    };
    let whole =
        match asker.whole(&question.with(CONTENT_TYPE, HeaderValue::from_static("application/json"))).await {
            Ok(whole) => whole,
            Err(error) => return Some(Check::unknown(POST, error.words())),
        };
    Some(match whole.problem() {
        // Such as a signed URL, which covers one method.
        Some(_) => Check::unknown(POST, format!("the hub was asked by POST, and answered {}", whole.words())),
        None if whole.is_event_stream() => Check::well(POST, "a POST arrives"),
        None => Check::finding(
            POST,
            format!("a POST does not arrive at the hub: it was answered {}; so nobody can publish this way, either", whole.words()),
        )
        .mended_by(Fault::PostRefused),
    })
}

/// Looks whether a WebSocket can be opened over HTTP/1.1, as browsers do.
pub(in crate::cmd::doctor) async fn look_websocket(asker: &Asker, target: &Target) -> Check {
    let header = |name: &'static str| HeaderName::from_static(name);
    let value = HeaderValue::from_static;
    let question = Question { offer: Offer::Http1, ..Question::stream(target.url(&[])) }
        .with(CONNECTION, value("Upgrade"))
        .with(UPGRADE, value("websocket"))
        .with(header("sec-websocket-version"), value("13"))
        // The key of RFC 6455, 1.3: it is no secret.
        .with(header("sec-websocket-key"), value("dGhlIHNhbXBsZSBub25jZQ=="));
    let begun = match asker.begin(&question, crate::limits::DOCTOR_ANSWER_WAIT_MAX).await {
        Ok(begun) => begun,
        Err(error) => return Check::unknown(WEBSOCKET, error.words()),
    };
    match begun.answer.status {
        StatusCode::SWITCHING_PROTOCOLS => Check::well(WEBSOCKET, "a WebSocket can be opened"),
        // The hub has seen a plain GET.
        status => Check::note(
            WEBSOCKET,
            format!("a WebSocket cannot be opened, since it is answered {status}; the other transports do not need one"),
        )
        .mended_by(Fault::NoUpgrade),
    }
}
