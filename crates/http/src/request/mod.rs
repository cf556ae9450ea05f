//! The parts of a request, parsed at the door: what comes out is typed, or the request is refused.
//!
//! | file | noun |
//! |---|---|
//! | `path` | topics and selectors in a path |
//! | `query` | the parameters of a query string, taken strictly |
//! | `accept` | what a GET wants: stream, history or page |
//! | `text` | the check that a body is UTF-8 |

pub(crate) mod accept;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod text;
