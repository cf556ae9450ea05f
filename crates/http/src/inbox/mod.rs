//! The inbox of each user over HTTP.
//!
//! | file | noun |
//! |---|---|
//! | `route` | the URLs below `/inbox`, and what each method asks of them |
//! | `granted` | who may ask for it, and what answers |
//! | `plain` | what needs neither a body nor a stream |
//! | `notify` | a notification, from the body of a request to its users |
//! | `list` | a page of a user's items |
//! | `marks` | marks, and what is taken away |
//! | `preferences` | kinds that are muted, and topics that are followed |
//! | `stream` | a stream of what happens, from the request to its first bytes |
//! | `poll` | the same as an answer that ends |
//! | `task_inbox` | what a task or a poll is told of an inbox |
//! | `blocks` | a change as server-sent events |
//! | `count` | the count as an event stream that ends |
//! | `item_document` | an item as JSON |
//! | `at_most` | a list of a body |
//! | `numbers` | what `/metrics` tells of it |
//! | `problem` | why the inbox does not do it |

mod at_most;
mod blocks;
mod count;
mod granted;
mod item_document;
mod list;
mod marks;
mod notify;
mod numbers;
mod plain;
mod poll;
mod preferences;
mod problem;
mod route;
mod stream;
pub(crate) mod task_inbox;

pub(crate) use granted::answer;
pub(crate) use numbers::InboxCollector;
pub(crate) use problem::{none, nothing_at};
pub(crate) use route::{InboxAction, InboxRoute};
