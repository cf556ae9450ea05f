//! Makes a token.

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};
use tidings_access::jwt::{Algorithm, Minting, mint};
use tidings_access::limits::INFO_BYTES_MAX;
use tidings_core::{Clock, Selector};
use tidings_http::SystemClock;

use crate::cmd::key_source::{KeySource, secret};
use crate::config::{self, JwtTable, Loaded, Texts, duration};
use crate::credentials::access::token_secret;
use crate::environment::Environment;
use crate::limits::TOKEN_EXPIRES_DEFAULT;
use crate::terminal::chain::excerpt;
use crate::terminal::failure::Failure;

/// What the token says.
#[derive(Debug, Args)]
pub(crate) struct MintArgs {
    #[command(flatten)]
    key: KeySource,
    /// Configuration of the hub that the token is for
    ///
    /// Its secret signs unless another key is named, and what it expects of `aud`, `iss` and the algorithm is in the token.
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
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
    /// What others see of the user, such as '{"name": "Ann"}', where they may see who is there
    #[arg(long, value_name = "JSON")]
    info: Option<String>,
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
        let Self {
            key,
            config,
            sub,
            subscribe,
            publish,
            admin,
            expires,
            info,
            audience,
            issuer,
            jti,
            kid,
            algorithm,
        } = self;
        key.is_empty()
            && subscribe.is_empty()
            && publish.is_empty()
            && audience.is_empty()
            && !admin
            && expires.is_none()
            && algorithm.is_none()
            && [config, sub, info, issuer, jti, kid].iter().all(|text| text.is_none())
    }
}

/// The token, and a line end.
pub(super) fn run(args: &MintArgs, environment: &Environment) -> Result<String, Failure> {
    let hub = match &args.config {
        Some(path) => Some(config::load(&Texts::from([("config", path.clone())]), environment)?),
        None => None,
    };
    let text = match &hub {
        Some(hub) if args.key.is_empty() => token_secret(hub)?,
        _ => args.key.read(environment)?,
    };
    let expected = hub.and_then(|Loaded { access, .. }| access?.jwt).unwrap_or_default();
    let claims = claims(args, &expected)?;
    let minting = if text.contains("-----BEGIN ") {
        Minting::Pem(text.into_bytes())
    } else {
        Minting::Secret(secret(&text)?.as_bytes().to_vec())
    };
    let made = |algorithm| mint(&minting, algorithm, args.kid.as_deref(), &claims);
    if let Some(algorithm) = args.algorithm {
        let token = made(algorithm).map_err(|error| Failure::usage(error.to_string()))?;
        return Ok(format!("{token}\n"));
    }
    let possible = match (&expected.algorithms, &minting) {
        (Some(algorithms), _) => algorithms.clone(),
        (None, Minting::Secret(_)) => vec![Algorithm::HS256],
        (None, Minting::Pem(_)) => OF_PRIVATE_KEYS.to_vec(),
    };
    let token = possible.iter().find_map(|algorithm| made(*algorithm).ok());
    token.map(|token| format!("{token}\n")).ok_or_else(|| unusable(expected.algorithms.as_deref()))
}

/// The key signs by none of the algorithms: those that a configuration takes, or those of private keys.
fn unusable(taken: Option<&[Algorithm]>) -> Failure {
    let what = match taken {
        Some(taken) => {
            let names: Vec<_> = taken.iter().map(|algorithm| algorithm.name()).collect();
            format!("the key is not for {}, which the configuration takes", names.join(", "))
        }
        None => "the key is not a private key of RSA, P-256 or Ed25519 in PEM, not encrypted".to_owned(),
    };
    Failure::usage(what)
        .hint("keys of P-256 and Ed25519 are in the form PKCS #8; `openssl pkcs8 -topk8 -nocrypt` makes it")
}

/// What the token says. What the hub expects of it stands in for what is not given.
fn claims(args: &MintArgs, expected: &JwtTable) -> Result<Map<String, Value>, Failure> {
    for text in args.subscribe.iter().chain(&args.publish) {
        Selector::parse(text).map_err(|error| {
            Failure::usage(format!("\"{}\" is no topic and no pattern: {error}", excerpt(text)))
                .hint("write, for example, 'orders/*'")
        })?;
    }
    let now = SystemClock.now().0 / 1_000;
    let mut claims = Map::new();
    let issuer = args.issuer.as_ref().or(expected.issuer.first());
    let texts = [("sub", args.sub.as_ref()), ("iss", issuer), ("jti", args.jti.as_ref())];
    claims.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text?)))));
    let audience = match &args.audience[..] {
        [] => expected.audience.first().map_or_else(|| json!("tidings"), |one| json!(one)),
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
    if let Some(text) = &args.info {
        own.insert("info".to_owned(), info(text)?);
    }
    if !own.is_empty() {
        claims.insert("tidings".to_owned(), own.into());
    }
    Ok(claims)
}

fn info(text: &str) -> Result<Value, Failure> {
    let hint = "write, for example, --info '{\"name\": \"Ann\"}'";
    let info: Value = serde_json::from_str(text)
        .map_err(|error| Failure::usage(format!("--info is not JSON: {error}")).hint(hint))?;
    let bytes = info.to_string().len();
    if bytes > INFO_BYTES_MAX {
        let message = format!("--info has {bytes} bytes as JSON, and may have {INFO_BYTES_MAX}");
        return Err(Failure::usage(message).hint(hint));
    }
    Ok(info)
}
