//! The tables of a configuration file that say who may publish and read what: `[access]` and those below it.
//!
//! They are no settings of the table of settings: each has members of its own, and there can be several of one name. What a
//! container needs, keys above all, is a setting, too, which is stronger than the file.
//!
//! | file | holds |
//! |---|---|
//! | `rows` | every table and member, with its meaning: for suggestions and for the reference |
//! | `table` | reads the members of one table, and names file and line of what is wrong |
//! | `tables` | the tables as values |
//! | `braces` | what is said of braces that are not `{sub}` |
//! | `key_text` | a secret or a public key as a value, which nothing shows |
//! | `key_set_url` | the address of a set of keys |
//! | `print` | what `config print` and `config reference` show of the tables |

mod braces;
mod key_set_url;
mod key_text;
mod print;
mod rows;
mod table;
mod tables;

pub(super) use braces::taken_as_they_stand;
pub(crate) use key_set_url::KeySetUrl;
pub(crate) use key_text::KeyText;
pub(super) use print::{printed, reference};
pub(super) use tables::read;
pub(crate) use tables::{
    AccessTables, JwtKey, JwtTable, NamedKeyTable, SecretFrom, SigningKeyFrom, bearer_key, is_access_name,
};
