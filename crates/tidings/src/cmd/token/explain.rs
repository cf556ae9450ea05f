//! Says in plain words what a token, or a key, may do, or the first reason why it may do nothing.

use std::time::{Duration, UNIX_EPOCH};

use clap::Args;
use serde_json::{Map, Value};
use tidings_access::jwt::read_unverified;
use tidings_access::{Allowed, Credential, Grants, Proof, Refusal, Template};
use tidings_core::{Clock, Selector, UnixMillis};
use tidings_http::SystemClock;

use crate::cmd::key::input;
use crate::config::{self, Texts};
use crate::credentials::{access, key};
use crate::environment::Environment;
use crate::limits::DATE_MILLIS_MAX;
use crate::terminal::chain::visible;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::say;

/// What to explain, and by which configuration.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The token; `-` is standard input
    token: String,
    /// Configuration of the hub that the token is for
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
}

/// Explains it on standard output. A token that gives nothing is a failure.
pub(super) async fn run(args: &ExplainArgs, environment: &Environment) -> Result<(), Failure> {
    let flags: Texts = args.config.iter().map(|path| ("config", path.clone())).collect();
    let loaded = config::load(&flags, environment)?;
    let publish_key = key::read(&loaded.config)?;
    let Some(sources) = access::read(&loaded, environment, publish_key.as_ref())? else {
        return Err(Failure::usage("this configuration has no [access], and takes no tokens")
            .hint("name the configuration of the hub by --config FILE"));
    };
    if let Some(fetched) = &sources.fetched {
        fetched.fetch().await.map_err(|why| {
            Failure::new(Exit::Failed, format!("cannot read the keys of {}: {why}", fetched.url()))
        })?;
    }
    let text = if args.token == "-" { input()? } else { args.token.clone() };
    let token = bare(&text);
    if token.is_empty() {
        return Err(Failure::usage("there is no token: the text is empty")
            .hint("name the token, or write - for one on standard input"));
    }
    let now = SystemClock.now();
    let claims = read_unverified(token).ok();
    match sources.access.grants(Proof::Bearer(token), now) {
        Ok(grants) => say(&allowed(&grants, claims.as_ref().map(|(_, claims)| claims), now)),
        Err(refusal) => {
            say(&refused(&refusal, claims.as_ref()))?;
            Err(Failure::new(Exit::Failed, "the token gives nothing").told())
        }
    }
}

/// The token alone, of a text that may be the value of a header.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let (scheme, token) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if scheme.eq_ignore_ascii_case("bearer") { token.trim_start() } else { text }
}

/// A JSON object.
type Object = Map<String, Value>;

fn allowed(grants: &Grants, claims: Option<&Object>, now: UnixMillis) -> String {
    let mut page = String::new();
    let mut line = |name: &str, text: &str| page.push_str(&format!("{name:<9}{text}\n"));
    match &grants.credential {
        Some(Credential::Key(name)) => line("valid", &format!("this is the key `{}`", visible(name))),
        _ => line("valid", "the signature is good, and the claims hold"),
    }
    if let Some(user) = &grants.user {
        let shown = if user.is_empty() { "\"\"".to_owned() } else { visible(user) };
        line(
            "user",
            &format!(
                "{shown}{}",
                if has_own(user) { "" } else { ", to whom grants with {sub} give nothing" }
            ),
        );
    } else if claims.is_some() {
        line("user", "none: it has no claim `sub`, so grants with {sub} give it nothing");
    }
    line("read", &selectors(&grants.subscribe));
    line("publish", &selectors(&grants.publish));
    line("admin", if grants.admin { "yes" } else { "no" });
    line("until", &grants.until.map_or_else(|| "it never expires".to_owned(), |until| moment(until, now)));
    if let Some(id) = &grants.token_id {
        line("id", &visible(id));
    }
    page
}

fn refused(refusal: &Refusal, read: Option<&(Object, Object)>) -> String {
    let mut page = format!("refused  {refusal}\n");
    let Some((head, claims)) = read else { return page };
    for (name, members) in [("head", head), ("claims", claims)] {
        page.push_str(&format!("{name:<9}{}\n", visible(&Value::Object(members.clone()).to_string())));
    }
    if !is_after_signature(refusal) {
        page.push_str(
            "careful  head and claims were only read: no key of this configuration has signed them\n",
        );
    }
    page
}

/// Whether the signature was found to be good before.
fn is_after_signature(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Expired { .. }
            | Refusal::NotYet { .. }
            | Refusal::NoClaim(_)
            | Refusal::BadClaim { .. }
            | Refusal::WrongClaim { .. }
            | Refusal::BadSelector { .. }
            | Refusal::TooManySelectors { .. }
    )
}

/// Whether the name of the user can stand for `{sub}`.
fn has_own(user: &str) -> bool {
    Template::parse("users/{sub}").is_ok_and(|template| template.for_user(Some(user)).is_some())
}

fn selectors(allowed: &Allowed) -> String {
    let list: Vec<_> = allowed.iter().map(Selector::as_str).map(visible).collect();
    if list.is_empty() { "nothing".to_owned() } else { list.join(", ") }
}

/// When, and how long from now.
fn moment(until: UnixMillis, now: UnixMillis) -> String {
    let seconds = until.0.saturating_sub(now.0) / 1_000;
    let wait = match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(until.0.min(DATE_MILLIS_MAX)));
    format!("{date}, {wait} from now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_with_its_distance_in_the_unit_that_fits() {
        for (seconds, distance) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 days"),
        ] {
            let told = moment(UnixMillis(1_000_000 + seconds * 1_000), UnixMillis(1_000_000));
            assert!(told.ends_with(&format!(" GMT, {distance} from now")), "{told}");
        }
    }
}
