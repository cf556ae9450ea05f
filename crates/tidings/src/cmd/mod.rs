//! The commands, one file or folder each. The command line is read in `cli`; `serve` has a folder of its own beside this
//! one, since it is the hub.
//!
//! | module | command |
//! |---|---|
//! | `publish` | `tidings pub` |
//! | `sub` | `tidings sub` |
//! | `relay` | `tidings relay` |
//! | `token` | `tidings token` |
//! | `init` | `tidings init` |
//! | `config` | `tidings config check` |
//! | `bench` | `tidings bench`, which is a crate of its own |
//! | `manual` | `tidings man` |
//! | `completions` | `tidings completions` |

pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod init;
pub(crate) mod manual;
pub(crate) mod publish;
pub(crate) mod relay;
pub(crate) mod sub;
pub(crate) mod token;
