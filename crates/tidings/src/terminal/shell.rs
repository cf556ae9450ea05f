//! Text that a person pastes into a shell.

use std::path::Path;

/// A path as a word of a shell; none if it has characters that nobody could paste.
pub(crate) fn word(path: &Path) -> Option<String> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control))?;
    shlex::try_quote(text).ok().map(std::borrow::Cow::into_owned)
}
