//! The parts of a request, parsed at the door: what comes out is typed, or the request is refused.
//!
//! | file | noun |
//! |---|---|
//! | `path` | topics and selectors in a URL |
//! | `escape` | percent-encoding that is none |
//! | `query` | the parameters of a query string, taken strictly |
//! | `accept` | what a GET wants: stream, history or page |
//! | `accept_encoding` | whether a client takes gzip |
//! | `if_none_match` | whether a cache has the answer already |
//! | `mode` | whether a stream goes on, or is told in answers that end |
//! | `position` | where a subscription or a page of history begins |
//! | `content`, `idempotency_key` | what the body of a publish is, and how it may be repeated |
//! | `body`, `text` | reading a body, and the check that it is UTF-8 |
//! | `body_document` | a body that is a document and no event |
//! | `json_fault` | what is wrong with such a document |
//! | `body_budgets` | what all bodies together may hold, and the share of one |
//! | `waiting_places` | how many bodies of one connection may wait for room |

pub(crate) mod accept;
pub(crate) mod accept_encoding;
pub(crate) mod body;
pub(crate) mod body_budgets;
pub(crate) mod body_document;
pub(crate) mod content;
pub(crate) mod escape;
pub(crate) mod idempotency_key;
pub(crate) mod if_none_match;
mod json_fault;
pub(crate) mod mode;
pub(crate) mod path;
pub(crate) mod position;
pub(crate) mod query;
pub(crate) mod text;
pub(crate) mod waiting_places;
