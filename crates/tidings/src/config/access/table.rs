//! One table of a file: takes its members by name and type, and says with file and line what is wrong with one.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::rows::{MemberRow, TableRow};
use crate::config::file::elsewhere;
use crate::config::suggest;
use crate::terminal::failure::Failure;

/// The file that is read.
pub(super) struct Text<'f> {
    pub(super) path: &'f Path,
    pub(super) content: &'f str,
}

impl Text<'_> {
    /// Where in it something stands, such as `tidings.toml:3`.
    pub(super) fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path.display(), self.content[..at].matches('\n').count() + 1)
    }
}

/// A table of it, whose members are all known.
pub(super) struct Table<'t> {
    text: &'t Text<'t>,
    row: &'static TableRow,
    /// File and line of its beginning.
    pub(super) place: String,
    members: &'t DeTable<'t>,
}

/// A value, with its file and line.
pub(super) struct Placed<T> {
    pub(super) place: String,
    pub(super) value: T,
}

impl<'t> Table<'t> {
    pub(super) fn new(
        text: &'t Text<'t>,
        row: &'static TableRow,
        at: usize,
        value: &'t DeValue<'t>,
    ) -> Result<Self, Failure> {
        let place = text.place(at);
        let Some(members) = value.as_table() else {
            return Err(Failure::usage(format!("{place}: {} is a table", row.name))
                .hint(format!("write its members below {}", row.heading)));
        };
        let mut names: Vec<_> = members.keys().collect();
        names.sort_by_key(|name| name.span().start);
        let is_known = |name: &str| row.members.iter().any(|member| member.name == name);
        match names.into_iter().find(|name| !is_known(name.get_ref())) {
            Some(name) => Err(unknown(text, row, name)),
            None => Ok(Self { text, row, place, members }),
        }
    }

    /// A table below this one.
    pub(super) fn table(&self, name: &str, row: &'static TableRow) -> Result<Option<Self>, Failure> {
        let Some((key, value)) = self.member(name) else { return Ok(None) };
        Table::new(self.text, row, key.span().start, value.get_ref()).map(Some)
    }

    /// Tables below this one that share a name.
    pub(super) fn tables(&self, name: &str, row: &'static TableRow) -> Result<Vec<Self>, Failure> {
        let Some((key, value)) = self.member(name) else { return Ok(Vec::new()) };
        let Some(tables) = value.get_ref().as_array() else {
            let place = self.text.place(key.span().start);
            return Err(Failure::usage(format!("{place}: {} is a list of tables", row.name))
                .hint(format!("write {} with two pairs of brackets", row.heading)));
        };
        tables.iter().map(|table| Table::new(self.text, row, table.span().start, table.get_ref())).collect()
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<Placed<String>>, Failure> {
        self.value(name, "is one text, in quotation marks", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn switch(&self, name: &str) -> Result<bool, Failure> {
        let switch = self.value(name, "is true or false", DeValue::as_bool)?;
        Ok(switch.is_some_and(|switch| switch.value))
    }

    /// A list of texts, or one text.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Placed<Vec<String>>>, Failure> {
        self.value(name, "is a list of texts", |value| match value {
            DeValue::String(text) => Some(vec![text.clone().into_owned()]),
            DeValue::Array(members) => {
                members.iter().map(|member| member.get_ref().as_str().map(str::to_owned)).collect()
            }
            _ => None,
        })
    }

    /// The path of a file: beside the configuration if it is there, or in the working directory.
    pub(super) fn file(&self, name: &str) -> Result<Option<Placed<PathBuf>>, Failure> {
        let Some(Placed { place, value }) = self.text(name)? else { return Ok(None) };
        if value.trim().is_empty() || value.contains(char::is_control) {
            return Err(self.wrong(&place, name, "is the path of a file"));
        }
        let path = crate::config::file::beside(self.text.path, value);
        Ok(Some(Placed { place, value: path.into() }))
    }

    /// Of several members of which there can be one, which there is.
    pub(super) fn one_of(&self, names: &[&'static str]) -> Result<Option<&'static str>, Failure> {
        let mut there = names.iter().copied().filter(|name| self.member(name).is_some());
        match (there.next(), there.next()) {
            (Some(one), Some(other)) => {
                let Self { row, place, .. } = self;
                Err(Failure::usage(format!("{place}: {} has both {one} and {other}", row.name))
                    .hint(format!("leave one of {} in it", names.join(", "))))
            }
            (one, _) => Ok(one),
        }
    }

    /// The sentence about a member with a wrong value.
    pub(super) fn wrong(&self, place: &str, name: &str, wrong: &str) -> Failure {
        let example = self.row.members.iter().find(|member| member.name == name);
        let example = example.map_or("", |MemberRow { example, .. }| *example);
        Failure::usage(format!("{place}: {}.{name} {wrong}", self.row.name))
            .hint(format!("write, for example, {example}"))
    }

    fn value<T>(
        &self,
        name: &str,
        must: &str,
        read: impl Fn(&DeValue<'t>) -> Option<T>,
    ) -> Result<Option<Placed<T>>, Failure> {
        let Some((key, value)) = self.member(name) else { return Ok(None) };
        let place = self.text.place(key.span().start);
        match read(value.get_ref()) {
            Some(value) => Ok(Some(Placed { place, value })),
            None => Err(self.wrong(&place, name, must)),
        }
    }

    fn member(&self, name: &str) -> Option<(&'t Spanned<toml::de::DeString<'t>>, &'t Spanned<DeValue<'t>>)> {
        self.members.iter().find(|(key, _)| key.get_ref() == name)
    }
}

fn unknown(text: &Text<'_>, row: &TableRow, name: &Spanned<toml::de::DeString<'_>>) -> Failure {
    let (place, name) = (text.place(name.span().start), name.get_ref());
    let known: Vec<_> = row.members.iter().map(|member| member.name).collect();
    let hint = match (suggest::nearest(name, known.iter().copied()), suggest::setting(name)) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, Some(setting)) if setting.in_file() => {
            format!("{name} is a setting, which stands before the first line with brackets")
        }
        (None, Some(setting)) => elsewhere(setting),
        (None, None) => format!("{} has {}", row.heading, known.join(", ")),
    };
    Failure::usage(format!("{place}: unknown key {name:?} in {}", row.heading)).hint(hint)
}
