//! Whether a hub answers at the URL, where it is, and whether it lets the stream be read. By an answer that ends, which arrives also where
//! streams are held back.

use http::StatusCode;
use http::header::LOCATION;
use tidings_client::Error;
use url::Url;

use crate::cmd::doctor::ask::{Asker, NoAnswer, Question, Whole};
use crate::cmd::doctor::remedy::Fault;
use crate::cmd::doctor::report::Check;
use crate::cmd::doctor::target::{Target, UNUSED_NAME};
use crate::limits::DOCTOR_REDIRECTS_MAX;
use crate::terminal::chain::{excerpt, visible};

const REACH: &str = "reach";
const REDIRECT: &str = "redirect";
const ACCESS: &str = "access";
const PREFIX: &str = "prefix";
const HOST: &str = "host";

/// What answers at the URL.
pub(in crate::cmd::doctor) struct Reached {
    /// Where the hub is, as far as it was found.
    pub(in crate::cmd::doctor) target: Target,
    /// The last answer.
    pub(in crate::cmd::doctor) answer: Option<Whole>,
    pub(in crate::cmd::doctor) checks: Vec<Check>,
    pub(in crate::cmd::doctor) door: Door,
}

/// How far the hub lets its client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cmd::doctor) enum Door {
    /// There is no hub at the URL, or it does not answer for it.
    Missing,
    /// There is one, which does not let the stream be read.
    Closed,
    /// The stream can be read.
    Open,
}

/// Asks at the URL. Follows redirects, without what belongs to the first origin in another one.
pub(in crate::cmd::doctor) async fn look(asker: &mut Asker, url: &Url) -> Reached {
    let mut reached =
        Reached { target: Target::of(url), answer: None, checks: Vec::new(), door: Door::Missing };
    for _ in 0..=DOCTOR_REDIRECTS_MAX {
        let answer = match asker.whole(&question(&reached.target)).await {
            Ok(answer) => answer,
            Err(error) => {
                reached.checks.push(unreached(&error, &reached.target));
                return reached;
            }
        };
        let Some(location) = location(&answer, &reached.target) else {
            reached.judge(asker, url, answer).await;
            return reached;
        };
        let is_followed = reached.follow(asker, &answer, location);
        reached.answer = Some(answer);
        if !is_followed {
            return reached;
        }
    }
    let words = format!("there are more than {DOCTOR_REDIRECTS_MAX} redirects: they seem to be a loop");
    reached.checks.push(Check::finding(REDIRECT, words));
    reached
}

fn question(target: &Target) -> Question {
    Question::stream(target.url(&[("mode", "poll"), ("since", "now"), ("opening", "always")]))
}

/// Where an answer sends to. `Err` if nobody can go there.
fn location(answer: &Whole, target: &Target) -> Option<Result<Url, String>> {
    if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = String::from_utf8_lossy(answer.headers.get(LOCATION)?.as_bytes()).into_owned();
    let url = question(target).url.join(&location).ok();
    let url =
        url.filter(|url| matches!(url.scheme(), "http" | "https") && !location.chars().any(char::is_control));
    Some(url.ok_or_else(|| excerpt(&location)))
}

impl Reached {
    /// Goes where it is sent to, if a hub can be there.
    fn follow(&mut self, asker: &mut Asker, answer: &Whole, location: Result<Url, String>) -> bool {
        let from = self.target.shown();
        let status = answer.status.as_u16();
        let mut url = match location {
            Ok(url) => url,
            Err(text) => {
                let words = format!("{from} is answered {status} with {text}, which leads nowhere");
                self.checks.push(Check::finding(REDIRECT, words));
                return false;
            }
        };
        let Some(target) = self.target.moved(&url) else {
            // Secrets may stand in it.
            url.set_query(None);
            let _ = (url.set_username(""), url.set_password(None));
            let words = format!(
                "{from} is answered {status} and leads to {}, which is no stream of a hub: a page to log in, perhaps",
                excerpt(url.as_str())
            );
            self.checks.push(Check::finding(REDIRECT, words));
            return false;
        };
        if target.root() == self.target.root() {
            let words = format!(
                "{from} is answered {status} and leads to itself: a server wants https, and the proxy before it asks for it over http, perhaps"
            );
            self.checks.push(Check::finding(REDIRECT, words));
            return false;
        }
        let mut words = format!(
            "{from} is answered {status} and leads to {}: use that address, because each reconnection takes both, and a POST may arrive \
             as a GET",
            visible(target.root().as_str())
        );
        if target.origin() != self.target.origin() && asker.forget_secrets() {
            words.push_str("; what says who asks was not sent to that other origin");
        }
        self.checks.push(Check::finding(REDIRECT, words));
        self.target = target;
        true
    }

    /// What the answer says.
    async fn judge(&mut self, asker: &Asker, url: &Url, answer: Whole) {
        let check = match self.judged(&answer) {
            Some(check) => check,
            None if self.find_elsewhere(asker, url).await => return,
            None => no_hub(&answer, &self.target),
        };
        self.checks.push(check);
        self.answer = Some(answer);
    }

    /// What an answer of a hub says. `None` if it is not one, or if there is nothing at its path.
    fn judged(&mut self, answer: &Whole) -> Option<Check> {
        if let Some((kind, detail)) = answer.problem() {
            return self.refused(answer, &kind, &detail);
        }
        if let Some(sent_away) = answer.sent_away() {
            return Some(Check::finding(REACH, sent_away.words()).mended_by(sent_away.fault()));
        }
        if !answer.is_event_stream() || answer.status != StatusCode::OK {
            return None;
        }
        if !answer.body.starts_with(b": heartbeat ") {
            return None;
        }
        self.door = Door::Open;
        Some(Check::well(REACH, format!("a hub answers, after {} ms", answer.took.as_millis())))
    }

    /// A hub that refuses.
    fn refused(&mut self, answer: &Whole, kind: &str, detail: &str) -> Option<Check> {
        let words = format!("the hub answers {}: {detail}", answer.status.as_u16());
        if matches!(answer.status.as_u16(), 401 | 403) {
            self.door = Door::Closed;
        }
        Some(match (kind, answer.status.as_u16()) {
            ("not-found", _) => return None,
            ("wrong-host", _) => {
                let is_rewritten = !detail.contains(self.target.host());
                let fault = if is_rewritten { Fault::HostRewritten } else { Fault::HostRefused };
                Check::finding(HOST, words).mended_by(fault)
            }
            ("reserved-topic", _) => Check::finding(ACCESS, words),
            (_, 401 | 403) if self.target.is_named => Check::finding(ACCESS, words),
            (_, 401 | 403) => {
                // The name is one of the doctor's own, and tells nobody anything.
                let words = if !detail.contains(UNUSED_NAME) {
                    words
                } else if detail.starts_with("for everybody") {
                    format!("not everybody may read here (the hub answers {})", answer.status.as_u16())
                } else {
                    format!(
                        "what was sent to say who asks does not cover every topic (the hub answers {})",
                        answer.status.as_u16()
                    )
                };
                let url = format!("{}events/TOPIC", self.target.root());
                let words = format!(
                    "{words}: give a token that covers a topic, by --token-file or --token-command, and the URL of that topic, as in {url}"
                );
                Check::finding(ACCESS, words)
            }
            _ => Check::finding(REACH, words),
        })
    }

    /// Looks for the hub where the URL may mean it to be: at an alias, or at the top of the host.
    async fn find_elsewhere(&mut self, asker: &Asker, url: &Url) -> bool {
        if let Some(alias) = Target::alias(url)
            && let Ok(answer) = asker.whole(&question(&alias)).await
        {
            let before = std::mem::replace(&mut self.target, alias);
            match self.judged(&answer) {
                Some(check) => {
                    self.checks.push(check);
                    self.answer = Some(answer);
                    return true;
                }
                None => self.target = before,
            }
        }
        let Some(top) = self.target.at_top() else { return false };
        let Ok(answer) = asker.whole(&question(&top)).await else { return false };
        let is_hub = answer.problem().is_some() || answer.body.starts_with(b": heartbeat ");
        if !is_hub {
            return false;
        }
        let words = format!(
            "the hub is at the top of the host, {}, and knows nothing below {}: give that address, or let the proxy cut the path off",
            top.root(),
            self.target.prefix()
        );
        self.checks.push(Check::finding(PREFIX, words).mended_by(Fault::Prefix));
        self.answer = Some(answer);
        true
    }
}

/// There is no answer.
fn unreached(error: &NoAnswer, target: &Target) -> Check {
    let words = error.words();
    let error = match error {
        NoAnswer::Failed(error) => error,
        NoAnswer::NoToken(_) => return Check::finding(REACH, words),
        NoAnswer::Late(_) => {
            let hint = "a server takes connections there, and a proxy that does not reach its hub may wait like this: is the hub running?";
            return Check::finding(REACH, format!("{words}; {hint}"));
        }
    };
    let name = target.host();
    let hint = match error {
        _ if words.contains("dns error") || words.contains("failed to lookup") => format!("; is the name {name} right?"),
        _ if words.contains("no authority that is trusted") => {
            "; --ca-file trusts the certificate of a server that no public authority has signed, and browsers do not".to_owned()
        }
        _ if words.contains("its certificate") || words.contains("does not speak") => String::new(),
        Error::Connect { .. } => "; is a server listening there?".to_owned(),
        _ => String::new(),
    };
    Check::finding(REACH, format!("{words}{hint}"))
}

/// Whether a server says that its port is one of TLS: the hub, nginx ("The plain HTTP request was sent to HTTPS port") and Apache
/// ("speaking plain HTTP to an SSL-enabled server port"), and servers in Go, as Caddy and Traefik are.
fn wants_tls(answer: &Whole) -> bool {
    let text = answer.text().to_ascii_lowercase();
    answer.status == StatusCode::BAD_REQUEST
        && ["plain http", "http request to an https server"].iter().any(|sign| text.contains(sign))
}

/// Something else answers.
fn no_hub(answer: &Whole, target: &Target) -> Check {
    let words = answer.words();
    if !target.is_https() && wants_tls(answer) {
        return Check::finding(
            REACH,
            "what answers there speaks https, and was asked in plain HTTP: write https:// in place of http://",
        );
    }
    match (answer.problem(), answer.status.as_u16()) {
        (Some(_), _) => {
            Check::finding(PREFIX, format!("a hub answers, and knows nothing at this path: {words}"))
                .mended_by(Fault::Prefix)
        }
        (None, 401 | 403 | 407) => {
            Check::finding(ACCESS, format!("a server in front of the hub refuses: {words}"))
        }
        (None, 502..=504) => Check::finding(
            REACH,
            format!("a server in front of the hub does not reach it, or waits too short a time: {words}"),
        ),
        (None, 429) => Check::finding(
            REACH,
            format!("a server in front of the hub counts requests, and refuses: {words}"),
        ),
        (None, _) if answer.is_event_stream() => {
            Check::finding(REACH, "the server streams events, and is no tidings hub")
        }
        (None, _) if !answer.is_whole => {
            Check::finding(REACH, format!("the server is no tidings hub: {words}, and the body does not end"))
        }
        (None, _) => Check::finding(REACH, format!("the server is no tidings hub: {words}")),
    }
}
