//! Makes a token.

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};
use tidings_access::jwt::{Algorithm, Minting, mint};
use tidings_core::{Clock, Selector};
use tidings_http::SystemClock;

use crate::cmd::key_source::KeySource;
use crate::config::{KeyText, duration};
use crate::environment::Environment;
use crate::limits::TOKEN_EXPIRES_DEFAULT;
use crate::terminal::failure::Failure;

/// What the token says.
#[derive(Debug, Args)]
pub(crate) struct MintArgs {
    #[command(flatten)]
    key: KeySource,
    /// The user, claim `sub`
    #[arg(long, value_name = "USER")]
    sub: Option<String>,
    /// A topic or a pattern that its bearer may read. Can be given several times
    #[arg(long, value_name = "TOPIC")]
    subscribe: Vec<String>,
    /// A topic or a pattern that its bearer may publish to. Can be given several times
    #[arg(long, value_name = "TOPIC")]
    publish: Vec<String>,
    /// Let its bearer see what is for operators
    #[arg(long)]
    admin: bool,
    /// How long it is good for, such as 15m, 1h or 30d [default: 1h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires: Option<Duration>,
    /// Whom it is for, claim `aud`. Can be given several times [default: tidings]
    #[arg(long, value_name = "NAME")]
    audience: Vec<String>,
    /// Who made it, claim `iss`
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// The name of the token, claim `jti`, by which it can be refused
    #[arg(long, value_name = "ID")]
    jti: Option<String>,
    /// The name of the key, in the head of the token
    #[arg(long, value_name = "NAME")]
    kid: Option<String>,
    /// HS256, HS384, HS512, RS256, PS256, ES256 or EdDSA [default: by the key]
    #[arg(long, value_name = "NAME")]
    algorithm: Option<Algorithm>,
}

/// What a private key is tried for, if nobody says it.
const OF_PRIVATE_KEYS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

impl MintArgs {
    /// Whether nothing was asked for.
    pub(super) fn is_empty(&self) -> bool {
        let Self { key, sub, subscribe, publish, admin, expires, audience, issuer, jti, kid, algorithm } =
            self;
        key.is_empty()
            && subscribe.is_empty()
            && publish.is_empty()
            && audience.is_empty()
            && !admin
            && expires.is_none()
            && algorithm.is_none()
            && [sub, issuer, jti, kid].iter().all(|text| text.is_none())
    }
}

/// The token, and a line end.
pub(super) fn run(args: &MintArgs, environment: &Environment) -> Result<String, Failure> {
    let text = args.key.read(environment)?;
    let claims = claims(args)?;
    let minting = if text.contains("-----BEGIN ") {
        Minting::Pem(text.into_bytes())
    } else {
        Minting::Secret(secret(&text)?.as_bytes().to_vec())
    };
    let made = |algorithm| mint(&minting, algorithm, args.kid.as_deref(), &claims);
    let token = match (args.algorithm, &minting) {
        (Some(algorithm), _) => made(algorithm).map_err(|error| Failure::usage(error.to_string())),
        (None, Minting::Secret(_)) => made(Algorithm::HS256).map_err(|error| Failure::usage(error.to_string())),
        (None, Minting::Pem(_)) => OF_PRIVATE_KEYS.into_iter().find_map(|algorithm| made(algorithm).ok()).ok_or_else(|| {
            Failure::usage("the key is not a private key of RSA, P-256 or Ed25519 in PEM, not encrypted")
                .hint("keys of P-256 and Ed25519 are in the form PKCS #8; `openssl pkcs8 -topk8 -nocrypt` makes it")
        }),
    };
    token.map(|token| format!("{token}\n"))
}

fn secret(text: &str) -> Result<KeyText, Failure> {
    KeyText::parse(text)
        .map_err(|why| Failure::usage(format!("the key: {why}")).hint("`tidings key` makes a good one"))
}

fn claims(args: &MintArgs) -> Result<Map<String, Value>, Failure> {
    for text in args.subscribe.iter().chain(&args.publish) {
        Selector::parse(text).map_err(|error| {
            Failure::usage(format!("{text:?} is no topic and no pattern: {error}"))
                .hint("write, for example, 'orders/*'")
        })?;
    }
    let now = SystemClock.now().0 / 1_000;
    let mut claims = Map::new();
    let texts = [("sub", &args.sub), ("iss", &args.issuer), ("jti", &args.jti)];
    claims
        .extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))));
    let audience = match &args.audience[..] {
        [] => json!("tidings"),
        [one] => json!(one),
        several => json!(several),
    };
    claims.insert("aud".to_owned(), audience);
    claims.insert("iat".to_owned(), json!(now));
    let expires = args.expires.unwrap_or(TOKEN_EXPIRES_DEFAULT);
    claims.insert("exp".to_owned(), json!(now.saturating_add(expires.as_secs())));
    let mut own = Map::new();
    for (name, list) in [("subscribe", &args.subscribe), ("publish", &args.publish)] {
        if !list.is_empty() {
            own.insert(name.to_owned(), json!(list));
        }
    }
    if args.admin {
        own.insert("admin".to_owned(), json!(true));
    }
    if !own.is_empty() {
        claims.insert("tidings".to_owned(), own.into());
    }
    Ok(claims)
}
