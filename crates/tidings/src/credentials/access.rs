//! What the configuration gives to whom: from the tables of `[access]`, the variables and the files that they name, to what the HTTP
//! front checks requests by.

use std::path::{Path, PathBuf};

use tidings_access::jwt::{Algorithm, Key, KeySet, Keys, Rules, Verifier};
use tidings_access::signed_url::SigningKey;
use tidings_access::{Access, Allowed, Grants, KeyHash, NamedKey, NamedKeys};
use tidings_core::Selector;
use tidings_http::AccessSettings;
use tidings_webhook::{NoticeSettings, WebhookSettings};

use super::key_set::FetchedKeys;
use crate::config::{
    JwtKey, JwtTable, KeySetUrl, KeyText, Loaded, NamedKeyTable, Said, Secret, SecretFrom, SigningKeyFrom,
    bearer_key,
};
use crate::environment::Environment;
use crate::terminal::chain::visible;
use crate::terminal::failure::Failure;
use crate::utf8;

/// The name of the publish key among named keys.
const PUBLISH_KEY: &str = "publish-key";

/// The name of a key that signs URLs, unless the configuration has another.
pub(crate) const SIGNING_KEY: &str = "default";

/// Where a token may stand in a browser, unless the configuration says so.
const COOKIE: &str = "tidings";

/// What the keys of a set can be for: a set is public, so no secret is in it.
const PUBLIC: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// Everything that gives grants, and what is said of it.
#[derive(Debug)]
pub(crate) struct AccessSources {
    pub(crate) access: Access,
    /// The cookie that may hold a token.
    pub(crate) cookie: String,
    /// Whether a token may stand in the URL.
    pub(crate) query: bool,
    /// The program that is asked where nothing else is enough.
    pub(crate) webhook: Option<WebhookSettings>,
    /// The program that is told of connections.
    pub(crate) notices: Option<NoticeSettings>,
    /// Files that hold secrets in the clear.
    pub(crate) secret_files: Vec<PathBuf>,
    /// What is allowed to everybody, and what else gives grants.
    pub(crate) summary: String,
    /// What fetches the keys that check tokens, if they are fetched.
    pub(crate) fetched: Option<FetchedKeys>,
}

impl AccessSources {
    /// What the HTTP front needs of it.
    pub(crate) fn settings(self) -> AccessSettings {
        let Self { access, cookie, query, fetched, .. } = self;
        AccessSettings { access, cookie, query, renewal: fetched.map(|fetched| fetched.renewal()) }
    }
}

/// Reads all of it, if the configuration has any. `publish_key` is one key among others then.
pub(crate) fn read(
    loaded: &Loaded,
    environment: &Environment,
    publish_key: Option<&Secret>,
) -> Result<Option<AccessSources>, Failure> {
    if !loaded.has_access() {
        return Ok(None);
    }
    let tables = loaded.access.clone().unwrap_or_default();
    let mut secret_files = Vec::new();
    if tables.has_secret() {
        secret_files.extend(loaded.config.config.clone());
    }
    let keys = named_keys(&tables.keys, environment, publish_key, &mut secret_files)?;
    let jwt = tables.jwt.unwrap_or_default();
    let checking = checking(loaded, &mut secret_files)?;
    let (tokens, fetched) = match &checking {
        Some(checking) => verifier(checking, &jwt).map(|(tokens, fetched)| (Some(tokens), fetched))?,
        None => (None, None),
    };
    let signing = signing(loaded, &mut secret_files)?;
    let anonymous = Grants {
        publish: Allowed::new(tables.publish),
        subscribe: Allowed::new(tables.subscribe),
        ..Grants::default()
    };
    let access = Access { anonymous, keys, tokens, signing };
    let named = tables.keys.len() + usize::from(publish_key.is_some());
    let mut summary = summary(&access, named, checking.as_ref(), jwt.algorithms.as_deref());
    if let Some(webhook) = &tables.webhook {
        summary.push_str(&format!("; the webhook {} is asked about all else", webhook.url));
    }
    if let Some(notices) = &tables.notices {
        summary.push_str(&format!("; the webhook {} is told of connections", notices.url));
    }
    let cookie = jwt.cookie.unwrap_or_else(|| COOKIE.to_owned());
    Ok(Some(AccessSources {
        access,
        cookie,
        query: jwt.query,
        webhook: tables.webhook,
        notices: tables.notices,
        secret_files,
        summary,
        fetched,
    }))
}

fn named_keys(
    tables: &[NamedKeyTable],
    environment: &Environment,
    publish_key: Option<&Secret>,
    secret_files: &mut Vec<PathBuf>,
) -> Result<NamedKeys, Failure> {
    let mut keys: Vec<(KeyHash, &str, NamedKey)> = Vec::new();
    if let Some(Secret(key)) = publish_key {
        // `**` reaches no reserved topic, and an inbox is one.
        let everything = ["**", "inbox/**"].map(Selector::parse).into_iter().flatten();
        let everything = Allowed::new(everything);
        let grants = Grants { publish: everything, ..Grants::default() };
        let hash = KeyHash::of(key.as_bytes());
        keys.push((hash.clone(), PUBLISH_KEY, NamedKey::new(PUBLISH_KEY, hash, grants)));
    }
    for table in tables {
        let NamedKeyTable { place, name, key, subscribe, publish, admin } = table;
        if publish_key.is_some() && name == PUBLISH_KEY {
            let message = format!("{place}: {PUBLISH_KEY} is the name of the publish key, which is set, too");
            return Err(Failure::usage(message).hint("give the key of the table another name"));
        }
        let hash = match key {
            SecretFrom::Here(Secret(key)) => KeyHash::of(key.as_bytes()),
            SecretFrom::Hash(hash) => hash.clone(),
            SecretFrom::Variable(variable) => of_variable(table, variable, environment)?,
            SecretFrom::File(path) => {
                let text = content(place, path)?;
                secret_files.push(path.clone());
                hash_of(&text, &format!("{place}: the content of key file {}", path.display()))?
            }
        };
        if let Some((_, other, _)) = keys.iter().find(|(known, ..)| *known == hash) {
            return Err(Failure::usage(format!("{place}: the keys {other} and {name} are the same"))
                .hint("give each program a key of its own; `tidings key` makes one"));
        }
        let grants = Grants {
            publish: Allowed::new(publish.iter().cloned()),
            subscribe: Allowed::new(subscribe.iter().cloned()),
            admin: *admin,
            ..Grants::default()
        };
        keys.push((hash.clone(), name, NamedKey::new(name, hash, grants)));
    }
    Ok(NamedKeys::new(keys.into_iter().map(|(_, _, key)| key)))
}

fn of_variable(table: &NamedKeyTable, variable: &str, environment: &Environment) -> Result<KeyHash, Failure> {
    match environment.get(variable) {
        Some(text) => hash_of(text, &format!("{}: the value of {}", table.place, visible(variable))),
        None => {
            let (place, variable) = (&table.place, visible(variable));
            Err(Failure::usage(format!("{place}: the environment has no variable {variable}"))
                .hint("set it to the key, or name another as key_env"))
        }
    }
}

fn hash_of(text: &str, what: &str) -> Result<KeyHash, Failure> {
    let refused =
        |must| Failure::usage(format!("{what} is not {must}")).hint("`tidings key` makes a good key");
    bearer_key(text).map(|Secret(key)| KeyHash::of(key.as_bytes())).map_err(refused)
}

/// What checks tokens.
enum Checking {
    Key(Key),
    Set(KeySet),
    Fetched(KeySetUrl),
}

fn checking(loaded: &Loaded, secret_files: &mut Vec<PathBuf>) -> Result<Option<Checking>, Failure> {
    let Some(Said { place, what }) = loaded.jwt_key() else { return Ok(None) };
    match what {
        JwtKey::Here(key) => checking_text(&place, &key).map(Some),
        JwtKey::File(path) => checking_file(&place, &path, secret_files).map(Some),
        JwtKey::Url(url) => Ok(Some(Checking::Fetched(url))),
    }
}

fn checking_text(place: &str, key: &KeyText) -> Result<Checking, Failure> {
    key.key()
        .map(Checking::Key)
        .map_err(|error| Failure::usage(format!("{place}: the key of tokens: {error}")))
}

fn checking_file(place: &str, path: &Path, secret_files: &mut Vec<PathBuf>) -> Result<Checking, Failure> {
    let text = content(place, path)?;
    let refused =
        |why: String| Failure::usage(format!("{place}: the content of key file {}: {why}", path.display()));
    if is_key_set(&text) {
        let set = KeySet::parse(text.as_bytes()).map_err(|error| refused(error.to_string()))?;
        return Ok(Checking::Set(set));
    }
    let key = KeyText::parse(&text)
        .map_err(|why| refused(why).hint("it holds a key in PEM, a set of keys in JSON, or a secret"))?;
    // A public key is for everybody.
    if !key.is_pem() {
        secret_files.push(path.to_owned());
    }
    checking_text(place, &key)
}

fn is_key_set(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// The secret by which the hub checks tokens, for a program that makes one.
pub(crate) fn token_secret(loaded: &Loaded) -> Result<String, Failure> {
    let hint = "name the key that signs by --key-file FILE, or a variable by --key-env NAME";
    let refused = |why: String| Err(Failure::usage(why).hint(hint));
    let Some(Said { place, what }) = loaded.jwt_key() else {
        return refused("this configuration has no key of tokens".to_owned());
    };
    let text = match what {
        JwtKey::Here(key) => String::from_utf8_lossy(key.as_bytes()).into_owned(),
        JwtKey::File(path) => content(&place, &path)?,
        JwtKey::Url(_) => String::new(),
    };
    match KeyText::parse(&text) {
        Ok(key) if !key.is_pem() && !is_key_set(&text) => Ok(text),
        _ => refused(format!("{place}: what the hub checks tokens by is no secret, and signs none")),
    }
}

fn verifier(checking: &Checking, table: &JwtTable) -> Result<(Verifier, Option<FetchedKeys>), Failure> {
    let mut fetched = None;
    let (keys, possible) = match checking {
        Checking::Key(key) => (Keys::fixed(key.clone()), key.algorithms().to_vec()),
        Checking::Set(set) => (Keys::of_set(set.clone()), set.algorithms()),
        Checking::Fetched(url) => {
            let keys = Keys::awaited();
            fetched = Some(FetchedKeys::new(url.clone(), keys.clone()));
            (keys, PUBLIC.to_vec())
        }
    };
    let algorithms = table.algorithms.clone().unwrap_or_else(|| possible.clone());
    if !algorithms.iter().any(|algorithm| possible.contains(algorithm)) {
        let (place, asked, possible) = (&table.place, listed(&algorithms), listed(&possible));
        let message =
            format!("{place}: the key of [access.jwt] is for {possible}, and algorithms has {asked}");
        return Err(Failure::usage(message).hint("leave algorithms out, or name those of the key"));
    }
    let rules = Rules {
        algorithms,
        audience: table.audience.clone(),
        issuer: table.issuer.clone(),
        leeway_ms: u64::try_from(table.leeway.as_millis()).unwrap_or(u64::MAX),
        subscribe: table.subscribe.clone(),
        publish: table.publish.clone(),
    };
    Ok((Verifier::new(keys, rules), fetched))
}

fn signing(loaded: &Loaded, secret_files: &mut Vec<PathBuf>) -> Result<Option<SigningKey>, Failure> {
    let Some(said) = loaded.signing_key() else { return Ok(None) };
    if let SigningKeyFrom::File(path) = &said.what {
        secret_files.push(path.clone());
    }
    let key = signing_key(&said)?;
    Ok(Some(SigningKey::new(signing_name(loaded), key.as_bytes())))
}

/// The secret that signs URLs.
pub(crate) fn signing_key(said: &Said<SigningKeyFrom>) -> Result<KeyText, Failure> {
    let place = &said.place;
    let refused = |why: String| Failure::usage(why).hint("`tidings key` makes a good secret");
    let key = match &said.what {
        SigningKeyFrom::Here(key) => key.clone(),
        SigningKeyFrom::File(path) => KeyText::parse(&content(place, path)?)
            .map_err(|why| refused(format!("{place}: the content of key file {}: {why}", path.display())))?,
    };
    if key.is_pem() {
        return Err(refused(format!(
            "{place}: the key that signs URLs is a key in PEM, and must be a secret"
        )));
    }
    Ok(key)
}

/// The name of the key that signs URLs.
pub(crate) fn signing_name(loaded: &Loaded) -> &str {
    let table = loaded.access.as_ref().and_then(|access| access.signing.as_ref());
    table.and_then(|table| table.name.as_deref()).unwrap_or(SIGNING_KEY)
}

/// A file of a key, and where it is named.
fn content(place: &str, path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    utf8::read(path)
        .map_err(|error| Failure::usage(format!("{place}: cannot read key file {shown}: {error}")))
}

/// In one line: what everybody may, and which sources there are.
fn summary(
    access: &Access,
    named: usize,
    checking: Option<&Checking>,
    algorithms: Option<&[Algorithm]>,
) -> String {
    let taken = |possible: &[Algorithm]| {
        let is_taken = |algorithm: &&Algorithm| algorithms.is_none_or(|taken| taken.contains(algorithm));
        listed(&possible.iter().filter(is_taken).copied().collect::<Vec<_>>())
    };
    let selectors = |allowed: &Allowed| match allowed.iter().map(Selector::as_str).collect::<Vec<_>>() {
        list if list.is_empty() => "nothing".to_owned(),
        list if list.len() > 5 => format!("{} and {} more", list[..5].join(", "), list.len() - 5),
        list => list.join(", "),
    };
    let everybody = &access.anonymous;
    let mut sources = Vec::new();
    if named > 0 {
        sources.push(format!("{named} named {}", if named == 1 { "key" } else { "keys" }));
    }
    sources.extend(checking.map(|checking| match checking {
        Checking::Key(key) => format!("tokens ({})", taken(key.algorithms())),
        Checking::Set(set) => format!("tokens ({}, by a set of keys)", taken(&set.algorithms())),
        Checking::Fetched(url) => format!("tokens (by the keys of {url})"),
    }));
    if access.signing.is_some() {
        sources.push("signed URLs".to_owned());
    }
    if sources.is_empty() {
        sources.push("nothing".to_owned());
    }
    format!(
        "everybody may read {} and publish to {}; more is allowed by {}",
        selectors(&everybody.subscribe),
        selectors(&everybody.publish),
        sources.join(", ")
    )
}

fn listed(algorithms: &[Algorithm]) -> String {
    algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ")
}
