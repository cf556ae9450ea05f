//! Settings from a TOML file: one flat table of names, and the tables of `[access]`. Each error begins with file and line, as
//! compilers write them.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Spanned, Table, Value};

use super::access::{self, AccessTables};
use super::setting::{Setting, Texts};
use super::suggest;
use super::table::SETTINGS;
use super::value::{EMPTY_LIST, EMPTY_TABLE, Form, pair};
use crate::terminal::failure::Failure;
use crate::utf8;

/// Settings that name a file which may stand beside the configuration, so that both can be moved together.
const BESIDE: [&str; 3] = ["publish_key_file", "tls_cert", "tls_key"];

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct FromFile {
    pub(super) texts: Texts,
    /// The tables of `[access]`, if there is one.
    pub(super) access: Option<AccessTables>,
    /// File and line of each setting, such as `tidings.toml:3`.
    places: BTreeMap<&'static str, String>,
}

impl FromFile {
    /// A setting, as errors name it.
    pub(super) fn spelling(&self, setting: &Setting) -> String {
        let place = self.places.get(setting.name).map(String::as_str).unwrap_or_default();
        format!("{place}: {}", setting.name)
    }
}

impl FromFile {
    /// Takes a setting. Only one that may stand in two places can be there already.
    fn set(&mut self, name: &'static str, text: String, place: String) -> Result<(), Failure> {
        if let Some(first) = self.places.get(name) {
            return Err(Failure::usage(format!("{place}: {name} stands here and at {first}"))
                .hint("leave one of them out"));
        }
        self.texts.insert(name, text);
        self.places.insert(name, place);
        Ok(())
    }
}

/// Reads the settings of a file.
pub(super) fn read(path: &Path) -> Result<FromFile, Failure> {
    let shown = path.display();
    let content = utf8::read(path)
        .map_err(|error| Failure::usage(format!("cannot read configuration file {shown}: {error}")))?;
    let place = |at: usize| format!("{shown}:{}", content[..at].matches('\n').count() + 1);
    let entries: BTreeMap<Spanned<String>, Value> =
        toml::from_str(&content).map_err(|error| not_toml(place, &error))?;
    let mut entries: Vec<_> = entries.into_iter().collect();
    // The first mistake of the file is told first.
    entries.sort_by_key(|(key, _)| key.span().start);

    let mut found = FromFile::default();
    for (key, value) in entries {
        if key.get_ref() == "access" {
            let tables = access::read(path, &content)?;
            if let Some((text, place)) = tables.trusted_proxies.clone() {
                found.set("trusted_proxies", text, place)?;
            }
            found.access = Some(tables);
            continue;
        }
        let place = place(key.span().start);
        let (setting, text) = entry(&place, key.get_ref(), value)?;
        let text = if BESIDE.contains(&setting.name) { beside(path, text) } else { text };
        found.set(setting.name, text, place)?;
    }
    Ok(found)
}

/// The path of a file that is named in a configuration: beside that, if there is one, or in the working directory.
pub(super) fn beside(configuration: &Path, text: String) -> String {
    let path = configuration.with_file_name(&text);
    // Of an empty text this is the directory, and the text is refused later.
    let is_there = path.metadata().is_ok_and(|metadata| !metadata.is_dir());
    match path.to_str() {
        Some(path) if is_there => path.to_owned(),
        _ => text,
    }
}

fn entry(place: &str, key: &str, value: Value) -> Result<(&'static Setting, String), Failure> {
    let Some(setting) = SETTINGS.iter().find(|setting| setting.name == key) else {
        let hint = if value.is_table() {
            match suggest::nearest(key, ["access", "aliases"].into_iter()) {
                Some(near) => format!("did you mean [{near}]?"),
                None => "settings stand in one flat table, without headings such as [listening]; aliases and access alone have one"
                    .to_owned(),
            }
        } else if let Some(hint) = suggest::listening(key) {
            format!("{hint}, as in listen = \"127.0.0.1:8080\"")
        } else {
            suggest::hint(key, |setting| setting.name.to_owned())
        };
        return Err(Failure::usage(format!("{place}: unknown key {key:?}")).hint(hint));
    };
    if !setting.in_file() {
        return Err(
            Failure::usage(format!("{place}: {key} cannot be set in a file")).hint(elsewhere(setting))
        );
    }
    let text = text(setting.form, value)
        .map_err(|wrong| Failure::usage(format!("{place}: {key} {wrong}")).hint(example(setting)))?;
    Ok((setting, text))
}

/// What to write in place of a setting that a file cannot have.
pub(super) fn elsewhere(setting: &Setting) -> String {
    if let Some(member) = setting.name.strip_prefix("jwt_") {
        return format!("in a file it is {member} below [access.jwt]");
    }
    if let Some(member) = setting.name.strip_prefix("signing_") {
        return format!("in a file it is {member} below [access.signing]");
    }
    match setting.flag() {
        Some(flag) => format!("set it by {flag} or {}", setting.variable()),
        None => format!("set it by {}", setting.variable()),
    }
}

fn example(setting: &Setting) -> String {
    match setting.form {
        Form::Table => {
            format!(
                "write \"/stream\" = \"greetings\" below [{}], and other settings before it",
                setting.name
            )
        }
        Form::List => format!("write {} = [\"...\"]", setting.name),
        form => format!("write, for example, {} = {}", setting.name, form.literal(setting.default)),
    }
}

/// The value in the text form that all places share, or what is wrong with it.
fn text(form: Form, value: Value) -> Result<String, &'static str> {
    match (form, value) {
        (_, Value::String(text)) => Ok(text),
        (Form::Table, Value::Table(members)) if members.is_empty() => Ok(EMPTY_TABLE.to_owned()),
        (Form::Table, Value::Table(members)) => pairs(members).ok_or("has a member that is no text"),
        (Form::List, Value::Array(members)) if members.is_empty() => Ok(EMPTY_LIST.to_owned()),
        (Form::List, Value::Array(members)) => {
            texts(&members).ok_or("has a member that is no text, or an empty one")
        }
        (Form::Number, Value::Integer(number)) => Ok(number.to_string()),
        (Form::Switch, Value::Boolean(switch)) => Ok(switch.to_string()),
        (Form::Text | Form::Secret, _) => Err("is one text, in quotation marks"),
        (Form::Number, _) => Err("is one whole number"),
        (Form::Switch, _) => Err("is true or false"),
        (Form::List, _) => Err("is a list of texts"),
        (Form::Table, _) => Err("is a table"),
    }
}

fn pairs(members: Table) -> Option<String> {
    let pair = |(name, value): (String, Value)| value.as_str().map(|value| pair(&name, value));
    let pairs: Option<Vec<_>> = members.into_iter().map(pair).collect();
    Some(pairs?.join(","))
}

fn texts(members: &[Value]) -> Option<String> {
    let text = |value: &'_ Value| value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let texts: Option<Vec<_>> = members.iter().map(text).collect();
    Some(texts?.join(","))
}

fn not_toml(place: impl Fn(usize) -> String, error: &toml::de::Error) -> Failure {
    let what = error.message().lines().next().unwrap_or("not TOML");
    let hint = if what.contains("duplicate") {
        "a key, or a table such as [access.jwt], stands once in a file; put both in one place"
    } else {
        "a line is a key, =, and a value, as in heartbeat = \"15s\""
    };
    Failure::usage(format!("{}: {what}", place(error.span().map_or(0, |span| span.start)))).hint(hint)
}
