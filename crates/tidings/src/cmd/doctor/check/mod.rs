//! What is looked at, one matter a file. Each function asks, and returns what it has found out.
//!
//! | file | matters |
//! |---|---|
//! | `reach` | `reach`, `redirect`, `access`, `prefix`, `host`: whether a hub answers at the URL, and lets the stream be read |
//! | `version` | `http-version` |
//! | `held` | `buffering`, `compression` |
//! | `resume` | `last-event-id` |
//! | `passed` | `path`, `host`, `post`, `websocket`: what arrives at the hub as it was sent |
//! | `cors` | `cors` |
//! | `crowd` | `connections` |
//! | `quiet` | `idle` |

pub(super) mod cors;
pub(super) mod crowd;
pub(super) mod held;
pub(super) mod passed;
pub(super) mod quiet;
pub(super) mod reach;
pub(super) mod resume;
pub(super) mod version;
