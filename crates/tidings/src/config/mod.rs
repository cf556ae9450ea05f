//! Configuration: one table of settings, three places that may set them, one precedence.
//!
//! Imports point one way, down this table: a file knows those above it alone.
//!
//! | file | holds |
//! |---|---|
//! | `value` | what a value is, and how people write one |
//! | `unit`, `choice`, `names`, `aliases` | values with a form of their own: `64MiB`, `fsync`, lists of hosts, a table of paths |
//! | `setting` | a row of the table, the places that may set it, and the macro that makes the rows and [`Config`] |
//! | `table` | every setting: name, type, default, meaning, and why that default |
//! | `access` | the tables of `[access]`, which say who may do what, and keys as values |
//! | `suggest` | the setting whose name is nearest to an unknown one |
//! | `environment`, `file` | reads the settings of these two places |
//! | `injected` | variables that look like ours, and that a container platform has set |
//! | `loaded` | the values, each with its place |
//! | `shares` | the limits of users, keys and addresses, as the front takes them |
//! | `check` | rules that concern more than one setting |
//! | `effect` | settings that do nothing because of another one |
//! | `load` | flags over environment over file over default |
//! | `text` | breaks lines |
//! | `print`, `reference` | what `config print` and `config reference` show |
//!
//! Nothing here reads the process's environment: `main` hands it in as a map.

mod access;
mod aliases;
mod check;
mod choice;
mod effect;
mod environment;
mod file;
mod injected;
mod load;
mod loaded;
mod names;
mod print;
mod reference;
mod setting;
mod shares;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod unit;
mod value;

pub(crate) use access::{
    JwtKey, JwtTable, KeySetUrl, KeyText, NamedKeyTable, SecretFrom, SigningKeyFrom, bearer_key,
    is_access_name,
};
pub(crate) use choice::{Durability, LogFormat};
pub(crate) use effect::without_effect;
pub(crate) use injected::is_injected;
pub(crate) use load::load;
pub(crate) use loaded::{Loaded, Said};
pub(crate) use names::Origins;
pub(crate) use print::print;
pub(crate) use reference::reference;
pub(crate) use setting::{Setting, Source, Texts};
pub(crate) use suggest::listening;
pub(crate) use table::{Config, SETTINGS};
pub(crate) use text::lines;
pub(crate) use unit::{FreeMin, Size, duration, rounded, size};
pub(crate) use value::{Form, Secret, Value};
