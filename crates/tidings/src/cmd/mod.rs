//! The commands, one file or folder each. The command line is read in `cli`; `serve` has a folder of its own beside this
//! one, since it is the hub.
//!
//! | module | command |
//! |---|---|
//! | `publish` | `tidings pub` |
//! | `sub` | `tidings sub` |
//! | `relay` | `tidings relay` |
//! | `token` | `tidings token` |
//! | `manual` | `tidings man` and `tidings completions` |

pub(crate) mod manual;
pub(crate) mod publish;
pub(crate) mod relay;
pub(crate) mod sub;
pub(crate) mod token;
