//! Configuration: one table of settings, three places that may set them, one precedence.
//!
//! | file | holds |
//! |---|---|
//! | `table` | every setting: name, type, default, meaning, and why that default |
//! | `setting` | what a row of the table is, and the macro that makes the rows and [`Config`] |
//! | `value`, `unit`, `choice`, `names` | the types of values, as people write them: `none`, `64MiB`, `fsync` |
//! | `sources` | flags over environment over file over default |
//! | `environment`, `file` | reading the latter two |
//! | `check` | rules that concern more than one setting |
//! | `print`, `reference` | what `config print` and `config reference` show |
//!
//! Nothing here reads the process's environment: `main` hands it in as a map.

mod check;
mod choice;
mod environment;
mod file;
mod names;
mod print;
mod reference;
mod setting;
mod sources;
mod suggest;
mod table;
mod text;
mod unit;
mod value;

pub(crate) use choice::{Durability, LogFormat};
pub(crate) use names::Origins;
pub(crate) use print::print;
pub(crate) use reference::reference;
pub(crate) use setting::{Form, Setting};
pub(crate) use sources::{Loaded, Texts, load};
pub(crate) use table::{Config, SETTINGS};
pub(crate) use unit::{Size, duration, size};
pub(crate) use value::Secret;
