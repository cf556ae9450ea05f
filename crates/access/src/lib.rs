//! Who may publish what, and who may read what.
//!
//! Everything that a request may show becomes [`Grants`], and nothing else in a hub knows where they came from.
//!
//! | file | noun |
//! |---|---|
//! | `access` | all that gives grants, and what a request shows |
//! | `grants`, `allowed` | what a request may do; selectors that are allowed, and whether they cover what is asked |
//! | `credential` | the name of what a request has shown |
//! | `template` | grants that hold the name of a user |
//! | `named_key` | a key that stands in the configuration, with its own grants |
//! | `key_mark` | what tells one key from another without being the key |
//! | `jwt` | JSON Web Tokens: keys, claims, and the check of a token |
//! | `signed_url` | a URL that carries its own permission |
//! | `ticket` | grants for one use within a moment |
//! | `object` | JSON in which no name stands twice |
//! | `refusal` | why something shown gives no grants |
//! | `limits` | every bound |
//!
//! This crate knows no HTTP, no file and no clock.

mod access;
mod allowed;
mod credential;
mod grants;
pub mod jwt;
mod key_mark;
pub mod limits;
mod named_key;
pub mod object;
mod refusal;
pub mod signed_url;
mod template;
mod ticket;

pub use access::{Access, Proof};
pub use allowed::Allowed;
pub use credential::Credential;
pub use grants::Grants;
pub use key_mark::KeyMark;
pub use named_key::{KeyHash, KeyHashError, NamedKey, NamedKeys};
pub use refusal::Refusal;
pub use template::{Template, TemplateError, escaped};
pub use ticket::{Ticket, TicketKey};
