//! The inbox of each user over HTTP.
//!
//! | file | noun |
//! |---|---|
//! | `route` | the URLs below `/inbox`, and what each method asks of them |
//! | `granted` | who may ask for it, and what answers |
//! | `notify` | a notification, from the body of a request to its users |
//! | `list` | a page of a user's items |
//! | `marks` | marks, and what is taken away |
//! | `preferences` | kinds that are muted, and topics that are followed |
//! | `item_document` | an item as JSON |
//! | `problem` | why the inbox does not do it |

mod granted;
mod item_document;
mod list;
mod marks;
mod notify;
mod preferences;
mod problem;
mod route;

pub(crate) use granted::answer;
pub(crate) use route::{InboxAction, InboxRoute};
