//! `tidings sign`: a URL that carries its own permission, for what can send no header.
//!
//! It reads from the URL what the hub will read from it, and signs that.

use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use percent_encoding::percent_decode_str;
use tidings_access::signed_url::{Signed, SigningKey};
use tidings_core::presence::PRESENCE_PREFIX;
use tidings_core::{Clock, Selector, Selectors};
use tidings_http::SystemClock;
use tidings_inbox::User;

use super::key_source::{KeySource, secret};
use crate::config::{self, Config, Texts, duration, is_access_name};
use crate::credentials::access::{SIGNING_KEY, signing_key, signing_name};
use crate::environment::Environment;
use crate::terminal::chain::excerpt;
use crate::terminal::failure::Failure;

/// What to sign, and with what.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// URL of topics or of an inbox, such as `https://hub.example/events/orders/9`
    url: String,
    #[command(flatten)]
    key: KeySource,
    /// How long the URL is good for, such as 15m, 1h or 30d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires: Duration,
    /// The name of the key in the configuration of the hub [default: default]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What may be done with it: GET to read, POST to publish
    #[arg(long, default_value = "GET", value_parser = PossibleValuesParser::new(["GET", "POST"]))]
    method: String,
    /// Configuration of the hub: its key signs unless another is named, and the URL may be one of its aliases
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
}

/// Parameters that a URL has once it is signed, and another in which it would show a second proof.
const OF_PROOFS: [&str; 5] = ["expires", "key", "signature", "access_token", "ticket"];

/// The signed URL, and a line end.
pub(crate) fn run(args: &SignArgs, environment: &Environment) -> Result<String, Failure> {
    let hub = match &args.config {
        Some(path) => Some(config::load(&Texts::from([("config", path.clone())]), environment)?),
        None => None,
    };
    let name = match (&args.name, &hub) {
        (Some(name), _) => name,
        (None, Some(hub)) => signing_name(hub),
        (None, None) => SIGNING_KEY,
    };
    if !is_access_name(name) {
        return Err(Failure::usage(format!("\"{}\" is no name of a key", excerpt(name)))
            .hint("a name has letters, digits and -._ alone, at most 64"));
    }
    let default = Config::default();
    let selectors = selectors(&args.url, &args.method, hub.as_ref().map_or(&default, |hub| &hub.config))?;
    let secret = match hub.as_ref().filter(|_| args.key.is_empty()) {
        Some(hub) => match hub.signing_key() {
            Some(said) => signing_key(&said)?,
            None => {
                return Err(Failure::usage("this configuration has no key that signs URLs")
                    .hint("name the key that signs by --key-file FILE, or a variable by --key-env NAME"));
            }
        },
        None => secret(&args.key.read(environment)?)?,
    };
    let expires = (SystemClock.now().0 / 1_000).saturating_add(args.expires.as_secs());
    let signed = Signed { method: &args.method, expires, selectors: &selectors };
    let signature = SigningKey::new(name, secret.as_bytes()).sign(&signed);
    let (url, fragment) = match args.url.split_once('#') {
        Some((url, fragment)) => (url, format!("#{fragment}")),
        None => (args.url.as_str(), String::new()),
    };
    let joint = match url.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    Ok(format!("{url}{joint}expires={expires}&key={name}&signature={signature}{fragment}\n"))
}

/// What the hub will read from the URL.
fn selectors(url: &str, method: &str, config: &Config) -> Result<Vec<Selector>, Failure> {
    let hint = "write, for example, https://hub.example/events/orders/9, https://hub.example/events?topic=a&topic=b \
                or https://hub.example/inbox/alice";
    let refused = |why: String| Failure::usage(format!("the URL {why}")).hint(hint);
    if url.chars().any(|character| character.is_control() || character == ' ') {
        return Err(refused("has a space or a control character in it".to_owned()));
    }
    let without_fragment = url.split('#').next().unwrap_or_default();
    let (location, query) = without_fragment.split_once('?').unwrap_or((without_fragment, ""));
    let path = match location.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => location,
    };
    let mut topics = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(&name.replace('+', " ")).map_err(refused)?;
        if OF_PROOFS.contains(&name.as_str()) {
            return Err(refused(format!("has `{name}` already, and may show one proof")));
        }
        if name == "topic" {
            check_slashes(value).map_err(refused)?;
            let topic = decoded(&value.replace('+', " ")).map_err(refused)?;
            topics.push(selector(&topic, method).map_err(refused)?);
        }
    }
    if let Some(inbox) = inbox(path, method) {
        return match topics.is_empty() {
            true => inbox.map(|inbox| vec![inbox]).map_err(refused),
            false => Err(refused("names an inbox in its path, and a topic in `topic`".to_owned())),
        };
    }
    let of_path = match path.split_once("/events") {
        Some((_, "")) => None,
        Some((_, rest)) if rest.starts_with('/') => {
            let topic = &rest[1..];
            check_slashes(topic).map_err(refused)?;
            Some(selector(&decoded(topic).map_err(refused)?, method).map_err(refused)?)
        }
        Some(_) | None => match config.aliases.iter().find(|(alias, _)| *alias == path) {
            Some((_, selector)) => Some(selector.clone()),
            None => {
                return Err(Failure::usage(
                    "the URL has no path that begins with /events or /inbox/, so its topic is not known",
                )
                .hint("if the path is an alias, name the configuration of the hub by --config FILE"));
            }
        },
    };
    match (of_path, topics.is_empty(), method) {
        (Some(_), false, _) => Err(refused("names a topic in its path and in `topic`".to_owned())),
        (None, true, _) => Err(refused("names no topic".to_owned())),
        (None, false, "POST") => {
            Err(refused("is to be published to, and has no topic in its path".to_owned()))
        }
        (Some(topic), true, "POST") if topic.as_str().contains('*') => {
            Err(refused("is to be published to, and names a pattern".to_owned()))
        }
        (Some(topic), true, _) => Ok(vec![topic]),
        (None, false, _) => match Selectors::new(topics.iter().cloned()) {
            Ok(_) => Ok(topics),
            Err(error) => Err(refused(format!("names too many topics: {error}"))),
        },
    }
}

/// The inbox that a path is of, if it is of one.
fn inbox(path: &str, method: &str) -> Option<Result<Selector, String>> {
    let (before, rest) = path.split_once("/inbox/")?;
    if before.contains("/events") {
        return None;
    }
    let (user, part) = rest.split_once('/').map_or((rest, ""), |(user, part)| (user, part));
    let is_signed = match method {
        "GET" => matches!(part, "count" | "mute" | "follows") || !rest.contains('/'),
        _ => !rest.contains('/'),
    };
    if !is_signed {
        let why = match method {
            "GET" => {
                "is none of those that an inbox has for reading: /inbox/USER, and below it /count, /mute and /follows"
            }
            _ => {
                "cannot be signed for POST: a signed URL of an inbox can notify, by POST to /inbox/USER, while marks need a token"
            }
        };
        return Some(Err(why.to_owned()));
    }
    let user =
        decoded(user).and_then(|name| User::parse(&name).map_err(|error| format!("has a bad user: {error}")));
    Some(user.map(|user| Selector::Topic(user.topic())))
}

fn selector(text: &str, method: &str) -> Result<Selector, String> {
    let selector =
        Selector::parse(text).map_err(|error| format!("has the topic \"{}\": {error}", excerpt(text)))?;
    // Of reserved topics a stream may ask for the presence of single topics.
    let watched = text.strip_prefix(PRESENCE_PREFIX).filter(|watched| !watched.is_empty());
    let is_presence = method == "GET" && watched.is_some() && selector.topic().is_some();
    if selector.reaches_reserved() && !is_presence {
        return Err(format!("has the topic \"{}\", which is reserved", excerpt(text)));
    }
    Ok(selector)
}

/// The hub refuses these: some programs on the way drop a slash, and the topic would be another one.
fn check_slashes(name: &str) -> Result<(), String> {
    if name.starts_with('/') || name.ends_with('/') || name.contains("//") {
        return Err(
            "has a topic with a slash too much; a slash beside an empty segment is written %2F".to_owned()
        );
    }
    Ok(())
}

fn decoded(text: &str) -> Result<String, String> {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let digits = rest.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if digits.is_none() {
            return Err("has a % without two hexadecimal digits behind it; write %25 for one that is meant"
                .to_owned());
        }
        rest = &rest[at + 3..];
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| "is not percent-encoded UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, method: &str) -> Result<Vec<String>, String> {
        let selectors = selectors(url, method, &Config::default());
        selectors
            .map(|selectors| selectors.iter().map(|selector| selector.as_str().to_owned()).collect())
            .map_err(|failure| failure.message().to_owned())
    }

    #[test]
    fn topics_are_read_as_the_hub_reads_them() {
        for (url, topics) in [
            ("https://hub.example/events/orders/9", &["orders/9"][..]),
            ("https://hub.example/pre/fix/events/a/events/b?last=3", &["a/events/b"]),
            ("/events/a%2Fb%20c+d", &["a/b c+d"]),
            ("https://hub.example/inbox/alice", &["inbox/alice"]),
            ("https://hub.example/pre/inbox/a%2Fb/count?retry=5000", &["inbox/a%2Fb"]),
            ("/inbox/alice?kind=sale&unread=true", &["inbox/alice"]),
            ("/events?topic=a+b&topic=c%2F*&_=1#x", &["a b", "c/*"]),
            ("http://h:8080/events/caf%C3%A9/**", &["caf\u{e9}/**"]),
            ("/events?topic=a&topic=tidings/presence/a", &["a", "tidings/presence/a"]),
        ] {
            assert_eq!(
                read(url, "GET"),
                Ok(topics.iter().map(|topic| (*topic).to_owned()).collect()),
                "{url}"
            );
        }
    }

    #[test]
    fn what_the_hub_would_refuse_is_not_signed() {
        for (url, method, why) in [
            ("https://hub.example/stream", "GET", "no path that begins with /events"),
            ("https://hub.example/events.php", "GET", "no path that begins with /events"),
            ("https://hub.example/events", "GET", "names no topic"),
            ("https://hub.example/events/", "GET", "has the topic"),
            ("/events/a?topic=b", "GET", "in its path and in `topic`"),
            ("/events/a/", "GET", "a slash too much"),
            ("/events?topic=a//b", "GET", "a slash too much"),
            ("/events/a%2", "GET", "two hexadecimal digits"),
            ("/events/a%FF", "GET", "not percent-encoded UTF-8"),
            ("/events/inbox/u1", "GET", "is reserved"),
            ("/inbox/u1/read", "POST", "marks need a token"),
            ("/inbox/u1/count", "POST", "by POST to /inbox/USER"),
            ("/inbox/u1/1-1", "GET", "that an inbox has for reading"),
            ("/inbox/", "GET", "bad user"),
            ("/inbox/..", "GET", "bad user"),
            ("/inbox/u1?topic=a", "GET", "and a topic in `topic`"),
            ("/events/tidings/presence/*", "GET", "is reserved"),
            ("/events?topic=tidings/denials", "GET", "is reserved"),
            ("/events/tidings/presence/a", "POST", "is reserved"),
            ("/events/a b", "GET", "a space"),
            ("/events/a?expires=1", "GET", "has `expires` already"),
            ("/events/a?acce%73s_token=1", "GET", "has `access_token` already"),
            ("/events/a?ticket=x", "GET", "has `ticket` already"),
            (&format!("/events?{}", "topic=a&".repeat(101)), "GET", "a subscription has at most 100 topics"),
            (&format!("/events/{}", "a".repeat(5_000)), "GET", "aaa...\": "),
            ("/events?topic=a", "POST", "no topic in its path"),
            ("/events/a/*", "POST", "names a pattern"),
        ] {
            let told = read(url, method).unwrap_err();
            assert!(told.contains(why), "{url}: {told}");
        }
    }
}
