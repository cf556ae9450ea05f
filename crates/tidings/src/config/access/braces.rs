//! Braces in granted patterns that are not `{sub}`. A topic may have them, so they are told and not refused: people who come from
//! servers with URI templates, and those who misspell `{sub}`, mean something else by them.

use super::tables::AccessTables;
use crate::terminal::chain::excerpt;

/// A sentence about each pattern that has any.
pub(in crate::config) fn taken_as_they_stand(tables: &AccessTables) -> Vec<String> {
    let everybody = tables
        .subscribe
        .iter()
        .chain(&tables.publish)
        .map(|selector| ("access.anonymous", selector.as_str()));
    let keys = tables.keys.iter().flat_map(|key| key.subscribe.iter().chain(&key.publish));
    let keys = keys.map(|selector| ("access.keys", selector.as_str()));
    let tokens = tables.jwt.iter().flat_map(|jwt| jwt.subscribe.iter().chain(&jwt.publish));
    let tokens = tokens.map(|template| ("access.jwt", template.as_str()));
    let braces = everybody.chain(keys).chain(tokens).filter(|(_, text)| has_braces(text));
    braces.map(|(table, text)| told(table, text)).collect()
}

fn has_braces(text: &str) -> bool {
    text.replace("{sub}", "").contains(['{', '}'])
}

fn told(table: &str, text: &str) -> String {
    let shown = excerpt(text);
    format!(
        "the braces of \"{shown}\" in {table} have no effect: they are taken as they stand; {{sub}} in [access.jwt] is the user, and \
         * is any segment"
    )
}
