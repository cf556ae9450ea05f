//! Settings from a TOML file: one flat table of names.

use std::path::Path;

use toml::{Table, Value};

use super::setting::{Setting, Texts};
use super::suggest;
use super::table::SETTINGS;
use super::value::{Form, pair};
use crate::terminal::failure::Failure;
use crate::utf8;

/// Reads the settings of a file. Errors name the file, and the line where there is one.
pub(super) fn texts(path: &Path) -> Result<Texts, Failure> {
    let shown = path.display();
    let content = utf8::read(path)
        .map_err(|error| Failure::usage(format!("cannot read configuration file {shown}: {error}")))?;
    let table: Table = content.parse().map_err(|error| not_toml(path, &content, &error))?;
    table.into_iter().map(|(key, value)| entry(path, &key, value)).collect()
}

fn entry(path: &Path, key: &str, value: Value) -> Result<(&'static str, String), Failure> {
    let shown = path.display();
    let Some(setting) = SETTINGS.iter().find(|setting| setting.name == key) else {
        let hint = suggest::hint(key, |setting| setting.name.to_owned());
        return Err(Failure::usage(format!("unknown key {key:?} in {shown}")).hint(hint));
    };
    if !setting.in_file() {
        return Err(
            Failure::usage(format!("{key} cannot be set in a file, as in {shown}")).hint(elsewhere(setting))
        );
    }
    let text = match value {
        Value::Table(members) if setting.form == Form::Table => pairs(members).ok_or_else(|| {
            Failure::usage(format!("{key} in {shown} has a member that is no text")).hint(format!(
                "write \"/stream\" = \"greetings\" below [{key}], and other settings before it"
            ))
        })?,
        value => text_form(value).ok_or_else(|| {
            Failure::usage(format!(
                "{key} in {shown} is neither text, number, true or false, nor a list of texts"
            ))
            .hint(format!("write {key} = {}", setting.form.literal(setting.default)))
        })?,
    };
    Ok((setting.name, text))
}

fn elsewhere(setting: &Setting) -> String {
    match setting.flag() {
        Some(flag) => format!("set it by {flag} or {}", setting.variable()),
        None => format!("set it by {}", setting.variable()),
    }
}

/// A table in the text form that all places share.
fn pairs(members: Table) -> Option<String> {
    let pair = |(name, value): (String, Value)| value.as_str().map(|value| pair(&name, value));
    let pairs: Option<Vec<_>> = members.into_iter().map(pair).collect();
    Some(pairs?.join(","))
}

/// The value in the text form that all places share.
fn text_form(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(switch) => Some(switch.to_string()),
        Value::Array(members) => {
            let members: Option<Vec<_>> = members.into_iter().map(text_form).collect();
            Some(members?.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

fn not_toml(path: &Path, content: &str, error: &toml::de::Error) -> Failure {
    let line = error.span().map_or(1, |span| content[..span.start].matches('\n').count() + 1);
    let what = error.message().lines().next().unwrap_or("not TOML");
    Failure::usage(format!("{}:{line}: {what}", path.display()))
        .hint("a line is a key, =, and a value, as in heartbeat = \"15s\"")
}
