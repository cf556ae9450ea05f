//! The process's environment, read once by `main`. Everything below is handed it as a map.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// The environment, as far as it is text.
pub(crate) type Environment = BTreeMap<String, String>;

/// Reads the environment of this process.
#[expect(clippy::disallowed_methods, reason = "here the environment is read")]
pub(crate) fn read() -> Environment {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}
