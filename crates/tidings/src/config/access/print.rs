//! What `config print` and `config reference` show of the tables. No secret is among it.

use http::HeaderName;
use tidings_access::Template;
use tidings_core::Selector;

use super::rows::TABLES;
use super::tables::{
    AccessTables, JwtKey, JwtTable, NamedKeyTable, SecretFrom, SigningKeyFrom, SigningTable,
};
use crate::config::text;
use crate::config::value::Value;

const WIDTH: usize = 120;

/// The tables in force, as a file would have them. A key that stands in the file is left out.
pub(in crate::config) fn printed(tables: &AccessTables) -> String {
    let mut page = String::from("\n# ---- Access tables ----\n\n# From the file.\n[access.anonymous]\n");
    page.push_str(&list("subscribe", tables.subscribe.iter().map(Selector::as_str)));
    page.push_str(&list("publish", tables.publish.iter().map(Selector::as_str)));
    tables.keys.iter().for_each(|key| page.push_str(&named_key(key)));
    tables.jwt.iter().for_each(|table| page.push_str(&jwt(table)));
    tables.signing.iter().for_each(|table| page.push_str(&signing(table)));
    page.push_str(&webhook(tables));
    page
}

const HIDDEN: &str = "# key = \"(not shown)\"\n";

fn named_key(table: &NamedKeyTable) -> String {
    let mut page = format!("\n[[access.keys]]\nname = {}\n", quoted(&table.name));
    page.push_str(&match &table.key {
        SecretFrom::Here(_) => HIDDEN.to_owned(),
        SecretFrom::Variable(name) => format!("key_env = {}\n", quoted(name)),
        SecretFrom::File(path) => format!("key_file = {}\n", quoted(&path.display().to_string())),
        SecretFrom::Hash(hash) => format!("key_hash = \"{hash}\"\n"),
    });
    page.push_str(&list("subscribe", table.subscribe.iter().map(Selector::as_str)));
    page.push_str(&list("publish", table.publish.iter().map(Selector::as_str)));
    page.push_str(&format!("admin = {}\n", table.admin));
    page
}

fn jwt(table: &JwtTable) -> String {
    let mut page = String::from("\n[access.jwt]\n");
    page.push_str(&match &table.key {
        None => String::new(),
        Some(JwtKey::Here(_)) => HIDDEN.to_owned(),
        Some(JwtKey::File(path)) => format!("key_file = {}\n", quoted(&path.display().to_string())),
        Some(JwtKey::Url(url)) => format!("jwks_url = {}\n", quoted(&url.to_string())),
    });
    if let Some(algorithms) = &table.algorithms {
        page.push_str(&list("algorithms", algorithms.iter().map(|algorithm| algorithm.name())));
    }
    for (name, texts) in [("audience", &table.audience), ("issuer", &table.issuer)] {
        if !texts.is_empty() {
            page.push_str(&list(name, texts.iter().map(String::as_str)));
        }
    }
    page.push_str(&format!("leeway = \"{}\"\n", table.leeway.text()));
    if let Some(cookie) = &table.cookie {
        page.push_str(&format!("cookie = {}\n", quoted(cookie)));
    }
    page.push_str(&format!("query = {}\n", table.query));
    page.push_str(&list("subscribe", table.subscribe.iter().map(Template::as_str)));
    page.push_str(&list("publish", table.publish.iter().map(Template::as_str)));
    page
}

fn signing(table: &SigningTable) -> String {
    let mut page = String::from("\n[access.signing]\n");
    page.push_str(&match &table.key {
        None => String::new(),
        Some(SigningKeyFrom::Here(_)) => HIDDEN.to_owned(),
        Some(SigningKeyFrom::File(path)) => format!("key_file = {}\n", quoted(&path.display().to_string())),
    });
    if let Some(name) = &table.name {
        page.push_str(&format!("name = {}\n", quoted(name)));
    }
    page
}

fn webhook(tables: &AccessTables) -> String {
    let AccessTables { webhook, notices, .. } = tables;
    let timeout = webhook.as_ref().map(|settings| settings.timeout);
    let Some(timeout) = timeout.or(notices.as_ref().map(|settings| settings.timeout)) else {
        return String::new();
    };
    let mut page = "\n[access.webhook]\n".to_owned();
    if let Some(settings) = webhook {
        page.push_str(&format!("url = {}\n", quoted(&settings.url.to_string())));
        page.push_str(&list("headers", settings.headers.iter().map(HeaderName::as_str)));
    }
    page.push_str(&format!("timeout = \"{}\"\n", timeout.text()));
    if let Some(settings) = notices {
        let debounce = settings.debounce.text();
        let url = quoted(&settings.url.to_string());
        page.push_str(&format!("notices_url = {url}\nnotices_debounce = \"{debounce}\"\n"));
    }
    page
}

fn list<'a>(name: &str, texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<_> = texts.map(quoted).collect();
    format!("{name} = [{}]\n", texts.join(", "))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The section of the reference, as Markdown.
pub(in crate::config) fn reference() -> String {
    let mut page = String::from("\n## Access tables\n");
    for table in TABLES {
        let means = text::lines(table.means, WIDTH).join("\n");
        page.push_str(&format!("\n### `{}`\n\n{means}\n", table.heading));
        let members: Vec<_> = table.members.iter().filter(|member| !member.means.is_empty()).collect();
        if members.is_empty() {
            continue;
        }
        page.push_str("\n| member | for example | meaning |\n|---|---|---|\n");
        for member in members {
            page.push_str(&format!("| `{}` | `{}` | {} |\n", member.name, member.example, member.means));
        }
    }
    page
}
