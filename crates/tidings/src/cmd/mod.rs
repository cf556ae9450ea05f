//! The commands, one file or folder each. The command line is read in `cli`; `serve` has a folder of its own beside this
//! one, since it is the hub.
//!
//! | module | command |
//! |---|---|
//! | `publish` | `tidings pub` |
//! | `sub` | `tidings sub` |
//! | `relay` | `tidings relay` |
//! | `inbox` | `tidings inbox` |
//! | `doctor` | `tidings doctor` |
//! | `store` | `tidings store`: a data directory, without a hub |
//! | `token` | `tidings token`, `tidings token explain` |
//! | `key` | `tidings key` |
//! | `sign` | `tidings sign` |
//! | `key_source` | where `token` and `sign` have their key from |
//! | `init` | `tidings init` |
//! | `config` | `tidings config check` |
//! | `bench` | `tidings bench`, which is a crate of its own |
//! | `manual` | `tidings man` |
//! | `completions` | `tidings completions` |

pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod inbox;
pub(crate) mod init;
pub(crate) mod key;
mod key_source;
pub(crate) mod manual;
pub(crate) mod publish;
pub(crate) mod relay;
pub(crate) mod sign;
pub(crate) mod store;
pub(crate) mod sub;
pub(crate) mod token;
