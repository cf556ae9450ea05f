//! The tables as values.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderName;
use tidings_access::jwt::Algorithm;
use tidings_access::{KeyHash, Template};
use tidings_core::Selector;
use tidings_webhook::{NoticeSettings, WebhookSettings, WebhookUrl};
use toml::de::DeTable;

use super::key_set_url::KeySetUrl;
use super::key_text::{KEY_HINT, KeyText};
use super::rows::{ACCESS, ANONYMOUS, JWT, KEYS, SIGNING, WEBHOOK};
use super::table::{Placed, Table, Text};
use crate::config::value::{EMPTY_LIST, Secret, Value};
use crate::limits::{
    KEY_CHARS_MIN, LEEWAY_DEFAULT, LEEWAY_MAX, NAMED_KEYS_MAX, NOTICES_DEBOUNCE_MAX, WEBHOOK_TIMEOUT_MAX,
};
use crate::terminal::chain::excerpt;
use crate::terminal::failure::Failure;

/// What the tables of a file say.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccessTables {
    /// What everybody may read.
    pub(crate) subscribe: Vec<Selector>,
    /// What everybody may publish to.
    pub(crate) publish: Vec<Selector>,
    pub(crate) keys: Vec<NamedKeyTable>,
    pub(crate) jwt: Option<JwtTable>,
    pub(crate) signing: Option<SigningTable>,
    /// `[access.webhook]`, if it is asked.
    pub(crate) webhook: Option<WebhookSettings>,
    /// The same table, if it is told of connections.
    pub(crate) notices: Option<NoticeSettings>,
    /// The setting `trusted_proxies`, as a text with its file and line, if it stands in `[access]`.
    pub(crate) trusted_proxies: Option<(String, String)>,
}

/// `[[access.keys]]`.
#[derive(Debug, Clone)]
pub(crate) struct NamedKeyTable {
    /// File and line.
    pub(crate) place: String,
    pub(crate) name: String,
    pub(crate) key: SecretFrom,
    pub(crate) subscribe: Vec<Selector>,
    pub(crate) publish: Vec<Selector>,
    pub(crate) admin: bool,
}

/// Where a named key is.
#[derive(Debug, Clone)]
pub(crate) enum SecretFrom {
    Here(Secret),
    Variable(String),
    File(PathBuf),
    Hash(KeyHash),
}

/// `[access.jwt]`.
#[derive(Debug, Clone)]
pub(crate) struct JwtTable {
    pub(crate) place: String,
    /// None: a variable or a flag must say it.
    pub(crate) key: Option<JwtKey>,
    /// None: those that the key is for.
    pub(crate) algorithms: Option<Vec<Algorithm>>,
    pub(crate) audience: Vec<String>,
    pub(crate) issuer: Vec<String>,
    pub(crate) leeway: Duration,
    pub(crate) cookie: Option<String>,
    pub(crate) query: bool,
    pub(crate) subscribe: Vec<Template>,
    pub(crate) publish: Vec<Template>,
}

/// Where the key is that checks tokens.
#[derive(Debug, Clone)]
pub(crate) enum JwtKey {
    Here(KeyText),
    File(PathBuf),
    Url(KeySetUrl),
}

/// `[access.signing]`.
#[derive(Debug, Clone)]
pub(crate) struct SigningTable {
    pub(crate) place: String,
    /// None: a variable or a flag must say it.
    pub(crate) key: Option<SigningKeyFrom>,
    pub(crate) name: Option<String>,
}

/// Where the key is that signs URLs.
#[derive(Debug, Clone)]
pub(crate) enum SigningKeyFrom {
    Here(KeyText),
    File(PathBuf),
}

impl Default for JwtTable {
    fn default() -> Self {
        Self {
            place: String::new(),
            key: None,
            algorithms: None,
            audience: Vec::new(),
            issuer: Vec::new(),
            leeway: LEEWAY_DEFAULT,
            cookie: None,
            query: false,
            subscribe: Vec::new(),
            publish: Vec::new(),
        }
    }
}

impl AccessTables {
    /// The variables that hold named keys.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter_map(|key| match &key.key {
            SecretFrom::Variable(name) => Some(name.as_str()),
            SecretFrom::Here(_) | SecretFrom::File(_) | SecretFrom::Hash(_) => None,
        })
    }

    /// Whether the file itself holds a secret.
    pub(crate) fn has_secret(&self) -> bool {
        let is_here = |key: &NamedKeyTable| matches!(key.key, SecretFrom::Here(_));
        let jwt = self.jwt.as_ref().and_then(|jwt| jwt.key.as_ref());
        let signing = self.signing.as_ref().and_then(|signing| signing.key.as_ref());
        self.keys.iter().any(is_here)
            || matches!(jwt, Some(JwtKey::Here(key)) if !key.is_pem())
            || matches!(signing, Some(SigningKeyFrom::Here(_)))
    }
}

/// Reads the tables of a file that is TOML and has `access` in it.
pub(crate) fn read(path: &Path, content: &str) -> Result<AccessTables, Failure> {
    let text = Text { path, content };
    let document = DeTable::parse(content)
        .map_err(|error| Failure::usage(format!("{}: {}", path.display(), error.message())))?;
    let Some((key, value)) = document.get_ref().iter().find(|(key, _)| key.get_ref() == "access") else {
        return Ok(AccessTables::default());
    };
    let access = Table::new(&text, &ACCESS, key.span().start, value.get_ref())?;
    let (mut subscribe, mut publish) = (Vec::new(), Vec::new());
    if let Some(anonymous) = access.table("anonymous", &ANONYMOUS)? {
        subscribe = selectors(&anonymous, "subscribe")?;
        publish = selectors(&anonymous, "publish")?;
    }
    let tables = access.tables("keys", &KEYS)?;
    if let Some(table) = tables.get(NAMED_KEYS_MAX) {
        return Err(Failure::usage(format!("{}: there are more than {NAMED_KEYS_MAX} keys", table.place))
            .hint("use tokens for so many, as [access.jwt] takes them"));
    }
    let mut keys: Vec<NamedKeyTable> = Vec::new();
    for table in &tables {
        let key = named_key(table)?;
        if let Some(first) = keys.iter().find(|first| first.name == key.name) {
            let message = format!("{}: there are two keys with the name {:?}", key.place, key.name);
            return Err(Failure::usage(message).hint(format!("the first one stands at {}", first.place)));
        }
        keys.push(key);
    }
    let jwt = access.table("jwt", &JWT)?.map(|table| jwt(&table)).transpose()?;
    let signing = access.table("signing", &SIGNING)?.map(|table| signing(&table)).transpose()?;
    let (webhook, notices) = match access.table("webhook", &WEBHOOK)? {
        Some(table) => webhook(&table)?,
        None => (None, None),
    };
    let trusted_proxies = trusted_proxies(&access)?;
    Ok(AccessTables { subscribe, publish, keys, jwt, signing, webhook, notices, trusted_proxies })
}

/// The list in the text form that all places of a setting share.
fn trusted_proxies(access: &Table<'_>) -> Result<Option<(String, String)>, Failure> {
    let Some(Placed { place, value }) = access.texts("trusted_proxies")? else { return Ok(None) };
    let text = if value.is_empty() { EMPTY_LIST.to_owned() } else { value.join(",") };
    Ok(Some((text, place)))
}

fn named_key(table: &Table<'_>) -> Result<NamedKeyTable, Failure> {
    let Some(name) = table.text("name")? else {
        return Err(table.wrong(&table.place, "name", "must be there"));
    };
    if !is_access_name(&name.value) {
        return Err(table.wrong(&name.place, "name", "has letters, digits and -._ alone, at most 64"));
    }
    let sources = ["key", "key_env", "key_file", "key_hash"];
    let key = match table.one_of(&sources)? {
        None => {
            let message = format!("{}: the key {:?} has no key", table.place, name.value);
            return Err(Failure::usage(message).hint(format!("set one of {}", sources.join(", "))));
        }
        Some("key_file") => table.file("key_file")?.map(|file| SecretFrom::File(file.value)),
        Some("key_env") => match table.text("key_env")? {
            Some(Placed { place, value }) if !is_variable_name(&value) => {
                return Err(table.wrong(&place, "key_env", "is the name of a variable"));
            }
            name => name.map(|name| SecretFrom::Variable(name.value)),
        },
        Some("key_hash") => match table.text("key_hash")? {
            None => None,
            Some(Placed { place, value }) => match value.parse() {
                Ok(hash) => Some(SecretFrom::Hash(hash)),
                Err(_) => {
                    let wrong = "is `sha256:` and 43 characters, as `tidings key` prints it";
                    return Err(table.wrong(&place, "key_hash", wrong));
                }
            },
        },
        Some(_) => match table.text("key")? {
            None => None,
            Some(Placed { place, value }) => Some(SecretFrom::Here(bearer_key(&value).map_err(|why| {
                Failure::usage(format!("{place}: access.keys.key is not {why}")).hint(KEY_HINT)
            })?)),
        },
    };
    let Some(key) = key else { return Err(table.wrong(&table.place, "key", "must be there")) };
    Ok(NamedKeyTable {
        place: table.place.clone(),
        name: name.value,
        key,
        subscribe: selectors(table, "subscribe")?,
        publish: selectors(table, "publish")?,
        admin: table.switch("admin")?,
    })
}

/// A key that can be sent behind `Bearer` and that nobody guesses; or what it is not.
pub(crate) fn bearer_key(text: &str) -> Result<Secret, String> {
    let key = Secret::token(text).map_err(|bad| bad.expected)?;
    if key.0.len() < KEY_CHARS_MIN {
        let has = key.0.len();
        return Err(format!(
            "long enough: it has {has} characters, and needs {KEY_CHARS_MIN} or more, or it can be found by trying"
        ));
    }
    Ok(key)
}

fn jwt(table: &Table<'_>) -> Result<JwtTable, Failure> {
    let key = match table.one_of(&["key", "key_file", "jwks_url"])? {
        None => None,
        Some("key_file") => table.file("key_file")?.map(|file| JwtKey::File(file.value)),
        Some("jwks_url") => match table.text("jwks_url")? {
            None => None,
            Some(Placed { place, value }) => {
                let url = KeySetUrl::parse(&value)
                    .map_err(|must| table.wrong(&place, "jwks_url", &format!("is not {must}")))?;
                Some(JwtKey::Url(url))
            }
        },
        Some(_) => key_text(table)?.map(JwtKey::Here),
    };
    let algorithms = match table.texts("algorithms")? {
        None => None,
        Some(Placed { place, value }) if value.is_empty() => {
            return Err(table.wrong(&place, "algorithms", "names one at the least"));
        }
        Some(Placed { place, value }) => {
            let parsed: Result<Vec<Algorithm>, _> = value.iter().map(|name| name.parse()).collect();
            Some(parsed.map_err(|error| {
                table.wrong(&place, "algorithms", &format!("has another member: {error}"))
            })?)
        }
    };
    let cookie = table.text("cookie")?;
    if let Some(Placed { place, .. }) = cookie.as_ref().filter(|cookie| !is_cookie_name(&cookie.value)) {
        return Err(table.wrong(
            place,
            "cookie",
            "has letters, digits and !#$%&'*+-.^_`|~ alone, at most 64",
        ));
    }
    Ok(JwtTable {
        place: table.place.clone(),
        key,
        algorithms,
        audience: names(table, "audience")?,
        issuer: names(table, "issuer")?,
        leeway: leeway(table)?,
        cookie: cookie.map(|cookie| cookie.value),
        query: table.switch("query")?,
        subscribe: templates(table, "subscribe")?,
        publish: templates(table, "publish")?,
    })
}

fn signing(table: &Table<'_>) -> Result<SigningTable, Failure> {
    let key = match table.one_of(&["key", "key_file"])? {
        None => None,
        Some("key_file") => table.file("key_file")?.map(|file| SigningKeyFrom::File(file.value)),
        Some(_) => key_text(table)?.map(SigningKeyFrom::Here),
    };
    let name = table.text("name")?;
    if let Some(Placed { place, .. }) = name.as_ref().filter(|name| !is_access_name(&name.value)) {
        return Err(table.wrong(place, "name", "has letters, digits and -._ alone, at most 64"));
    }
    Ok(SigningTable { place: table.place.clone(), key, name: name.map(|name| name.value) })
}

fn webhook(table: &Table<'_>) -> Result<(Option<WebhookSettings>, Option<NoticeSettings>), Failure> {
    let mut webhook = webhook_url(table, "url")?.map(WebhookSettings::new);
    let mut notices = webhook_url(table, "notices_url")?.map(NoticeSettings::new);
    if webhook.is_none() && notices.is_none() {
        return Err(table.wrong(&table.place, "url", "must be there"));
    }
    if let Some(Placed { place, value }) = table.texts("headers")? {
        let Some(settings) = &mut webhook else {
            return Err(table.wrong(&place, "headers", "needs `url`: a notice has no headers of requests"));
        };
        let names: Result<Vec<HeaderName>, _> = value.iter().map(|name| name.parse()).collect();
        settings.headers =
            names.map_err(|_| table.wrong(&place, "headers", "is a list of names of headers"))?;
    }
    if let Some(Placed { place, value }) = table.text("timeout")? {
        let timeout = <Duration as Value>::parse(&value).ok();
        let timeout = timeout.filter(|timeout| !timeout.is_zero() && *timeout <= WEBHOOK_TIMEOUT_MAX);
        let timeout = timeout
            .ok_or_else(|| table.wrong(&place, "timeout", "is a duration above zero and of at most 60s"))?;
        webhook.iter_mut().for_each(|settings| settings.timeout = timeout);
        notices.iter_mut().for_each(|settings| settings.timeout = timeout);
    }
    if let Some(Placed { place, value }) = table.text("notices_debounce")? {
        let wrong = |must| table.wrong(&place, "notices_debounce", must);
        let settings = notices.as_mut().ok_or_else(|| wrong("needs `notices_url`"))?;
        let debounce = <Duration as Value>::parse(&value).ok();
        let debounce = debounce.filter(|debounce| *debounce <= NOTICES_DEBOUNCE_MAX);
        settings.debounce = debounce.ok_or_else(|| wrong("is a duration of at most 10m"))?;
    }
    Ok((webhook, notices))
}

fn webhook_url(table: &Table<'_>, name: &str) -> Result<Option<WebhookUrl>, Failure> {
    let Some(Placed { place, value }) = table.text(name)? else { return Ok(None) };
    let url =
        WebhookUrl::parse(&value).map_err(|must| table.wrong(&place, name, &format!("is not {must}")))?;
    Ok(Some(url))
}

fn key_text(table: &Table<'_>) -> Result<Option<KeyText>, Failure> {
    let Some(Placed { place, value }) = table.text("key")? else { return Ok(None) };
    let refused = |why| Failure::usage(format!("{place}: this is not a key: {why}")).hint(KEY_HINT);
    KeyText::parse(&value).map(Some).map_err(refused)
}

fn leeway(table: &Table<'_>) -> Result<Duration, Failure> {
    let Some(Placed { place, value }) = table.text("leeway")? else { return Ok(LEEWAY_DEFAULT) };
    let leeway = <Duration as Value>::parse(&value).ok().filter(|leeway| *leeway <= LEEWAY_MAX);
    leeway.ok_or_else(|| table.wrong(&place, "leeway", "is a duration of at most 10m"))
}

fn names(table: &Table<'_>, name: &str) -> Result<Vec<String>, Failure> {
    let Some(Placed { place, value }) = table.texts(name)? else { return Ok(Vec::new()) };
    // An empty list would be a check that somebody believes to be made.
    if value.is_empty() || value.iter().any(String::is_empty) {
        return Err(table.wrong(&place, name, "is a text, or a list of texts, and none is empty"));
    }
    Ok(value)
}

fn selectors(table: &Table<'_>, name: &str) -> Result<Vec<Selector>, Failure> {
    let Some(Placed { place, value }) = table.texts(name)? else { return Ok(Vec::new()) };
    let selector = |text: &String| {
        if text.contains("{sub}") {
            let wrong = "has {sub} in it, which is the user of a token: that stands in [access.jwt] alone";
            return Err(table.wrong(&place, name, wrong));
        }
        Selector::parse(text).map_err(|error| {
            let shown = excerpt(text);
            table.wrong(&place, name, &format!("has \"{shown}\", which is no topic and no pattern: {error}"))
        })
    };
    value.iter().map(selector).collect()
}

fn templates(table: &Table<'_>, name: &str) -> Result<Vec<Template>, Failure> {
    let Some(Placed { place, value }) = table.texts(name)? else { return Ok(Vec::new()) };
    let template = |text: &String| {
        Template::parse(text)
            .map_err(|error| table.wrong(&place, name, &format!("has a wrong member: {error}")))
    };
    value.iter().map(template).collect()
}

/// One word: it stands in logs, in URLs and beside the names of users, from which a space tells it apart.
pub(crate) fn is_access_name(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_legal)
}

/// One that the environment can have: a `=` ends it.
fn is_variable_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c == '=' || c.is_control() || c.is_whitespace())
}

/// RFC 6265, 4.1.1: a token.
fn is_cookie_name(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_legal)
}
