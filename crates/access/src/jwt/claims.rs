//! The claims of a token whose signature is good: RFC 7519, 4.1, and `tidings`.

use std::sync::Arc;

use serde_json::{Map, Value};
use tidings_core::{Selector, UnixMillis};

use super::verifier::Rules;
use crate::allowed::Allowed;
use crate::credential::Credential;
use crate::grants::Grants;
use crate::limits::{INFO_BYTES_MAX, TOKEN_ID_BYTES_MAX, TOKEN_SELECTORS_MAX, USER_BYTES_MAX};
use crate::refusal::{Refusal, Shown};

/// What the hub is called in `aud`, if the configuration has no name for it.
const AUDIENCE: &str = "tidings";

/// Reads grants from claims.
pub(super) struct Claims<'a>(pub(super) &'a Map<String, Value>);

impl Claims<'_> {
    /// The grants of their bearer, if the rules allow for any at this time.
    pub(super) fn grants(&self, rules: &Rules, now: UnixMillis) -> Result<Grants, Refusal> {
        self.check_party("aud", &rules.audience)?;
        self.check_party("iss", &rules.issuer)?;
        let until = self.check_times(rules.leeway_ms, now)?;
        let user = self.text("sub", USER_BYTES_MAX, "is a text of at most 256 bytes")?;
        let token_id = self.text("jti", TOKEN_ID_BYTES_MAX, "is a text of at most 256 bytes")?;
        let own = self.own()?;
        let mut left = TOKEN_SELECTORS_MAX;
        let mut granted =
            |name, claim| own.map_or(Ok(Vec::new()), |own| selectors(own, name, claim, &mut left));
        let subscribe = granted("subscribe", "tidings.subscribe")?;
        let publish = granted("publish", "tidings.publish")?;
        let of_everybody = |templates: &[crate::Template]| {
            Allowed::new(templates.iter().filter_map(|template| template.for_user(user)))
        };
        Ok(Grants {
            subscribe: Allowed::new(subscribe).and(&of_everybody(&rules.subscribe)),
            publish: Allowed::new(publish).and(&of_everybody(&rules.publish)),
            user: user.map(Arc::from),
            admin: admin(own)?,
            until,
            token_id: token_id.map(Arc::from),
            // Keys of repetitions belong to the user, whichever token the user shows: a renewed one must go on.
            credential: Some(Credential::User(user.unwrap_or_default().into())),
            info: info(own)?,
            key: None,
        })
    }

    /// RFC 7519, 4.1.3: who is not named in `aud` must refuse the token. Without an audience in the rules that is `tidings`, and the
    /// claim may be left out. An issuer is checked if the rules name one.
    fn check_party(&self, claim: &'static str, expected: &[String]) -> Result<(), Refusal> {
        let bad = || Refusal::BadClaim { claim, must: "is a text, or for `aud` a list of texts" };
        let found = match self.0.get(claim) {
            None if expected.is_empty() => return Ok(()),
            None => return Err(Refusal::NoClaim(claim)),
            Some(_) if claim == "iss" && expected.is_empty() => return Ok(()),
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(several)) if claim == "aud" => {
                several.iter().map(Value::as_str).collect::<Option<Vec<_>>>().ok_or_else(bad)?
            }
            Some(_) => return Err(bad()),
        };
        let is_expected = |found: &&str| match expected {
            [] => *found == AUDIENCE,
            expected => expected.iter().any(|expected| expected == found),
        };
        if found.iter().any(is_expected) {
            return Ok(());
        }
        let expected = match expected {
            [] => format!("{AUDIENCE} (the configuration names no audience)"),
            expected => expected.join(" or "),
        };
        Err(Refusal::WrongClaim { claim, found: Shown::new(&found.join(", ")), expected })
    }

    /// RFC 7519, 4.1.4 and 4.1.5. Returns the moment in which it ends.
    fn check_times(&self, leeway_ms: u64, now: UnixMillis) -> Result<Option<UnixMillis>, Refusal> {
        let until = self.time("exp")?.map(|expiry| UnixMillis(expiry.0.saturating_add(leeway_ms)));
        if let Some(until) = until.filter(|until| *until <= now) {
            let ago_ms = (now.0 - until.0).saturating_add(leeway_ms);
            return Err(Refusal::Expired { what: "the token", seconds: ago_ms / 1_000 });
        }
        if let Some(begin) = self.time("nbf")?.filter(|begin| begin.0 > now.0.saturating_add(leeway_ms)) {
            return Err(Refusal::NotYet { seconds: (begin.0 - now.0).div_ceil(1_000) });
        }
        Ok(until)
    }

    /// A time in seconds, which may have a fraction: RFC 7519, 2, NumericDate.
    fn time(&self, claim: &'static str) -> Result<Option<UnixMillis>, Refusal> {
        let Some(value) = self.0.get(claim) else { return Ok(None) };
        let whole = value.as_u64().map(|seconds| seconds.saturating_mul(1_000));
        // From negative to endless, a cast takes the nearest number that there is.
        let ms = whole.or_else(|| value.as_f64().map(|seconds| (seconds * 1_000.0) as u64));
        match ms {
            Some(ms) => Ok(Some(UnixMillis(ms))),
            None => Err(Refusal::BadClaim { claim, must: "is a number: seconds since 1970" }),
        }
    }

    fn text(
        &self,
        claim: &'static str,
        bytes_max: usize,
        must: &'static str,
    ) -> Result<Option<&str>, Refusal> {
        match self.0.get(claim) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= bytes_max => Ok(Some(text)),
            Some(_) => Err(Refusal::BadClaim { claim, must }),
        }
    }

    fn own(&self) -> Result<Option<&Map<String, Value>>, Refusal> {
        match self.0.get("tidings") {
            None => Ok(None),
            Some(Value::Object(own)) => Ok(Some(own)),
            Some(_) => {
                let must = "is an object, such as {\"subscribe\": [\"orders/*\"]}";
                Err(Refusal::BadClaim { claim: "tidings", must })
            }
        }
    }
}

fn selectors(
    own: &Map<String, Value>,
    name: &str,
    claim: &'static str,
    left: &mut usize,
) -> Result<Vec<Selector>, Refusal> {
    let not_a_list = Refusal::BadClaim { claim, must: "is a list of texts" };
    let list = match own.get(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(not_a_list),
    };
    let Some(rest) = left.checked_sub(list.len()) else {
        let count = TOKEN_SELECTORS_MAX - *left + list.len();
        return Err(Refusal::TooManySelectors { count, max: TOKEN_SELECTORS_MAX });
    };
    *left = rest;
    let selector = |value: &Value| {
        let text = value.as_str().ok_or_else(|| not_a_list.clone())?;
        let bad = |error: tidings_core::TopicError| Refusal::BadSelector {
            selector: Shown::new(text),
            why: error.to_string(),
        };
        Selector::parse(text).map_err(bad)
    };
    list.iter().map(selector).collect()
}

fn admin(own: Option<&Map<String, Value>>) -> Result<bool, Refusal> {
    match own.and_then(|own| own.get("admin")) {
        None => Ok(false),
        Some(Value::Bool(admin)) => Ok(*admin),
        Some(_) => Err(Refusal::BadClaim { claim: "tidings.admin", must: "is true or false" }),
    }
}

fn info(own: Option<&Map<String, Value>>) -> Result<Option<Arc<str>>, Refusal> {
    let Some(info) = own.and_then(|own| own.get("info")) else { return Ok(None) };
    let text = info.to_string();
    if text.len() > INFO_BYTES_MAX {
        return Err(Refusal::BadClaim { claim: "tidings.info", must: "has at most 256 bytes of JSON" });
    }
    Ok(Some(text.into()))
}
