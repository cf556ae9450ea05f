//! The hub's own dialect of HTTP, below `/events`: what requests mean, and which answers they get.
//!
//! | file | noun |
//! |---|---|
//! | `publish` | stop 1 of the walk: `POST` of one event |
//! | `producer` | `POST` of a `text/event-stream` body, a batch or open-ended |
//! | `publish_lines` | `POST /events`: events of many topics, all or none |
//! | `lines_body` | its body, lines of JSON |
//! | `batch` | a body with an idempotency key: what of it is in the log already |
//! | `batch_hash` | the running hash of its events |
//! | `subscribe` | `GET` of a stream, from the request to its first bytes |
//! | `subscribe_request` | what it asks for |
//! | `admission` | whether it finds a stream, and what it hears else |
//! | `beginning` | its first bytes |
//! | `carry` | its way in, and what carries it; also for a stream of an inbox |
//! | `stream_head` | the head of its answer |
//! | `subscribe_body` | the same as a body: `POST /subscribe` |
//! | `framed` | what a page that frames events is told of a refusal |
//! | `poll` | what a stream would say next, as an answer that ends |
//! | `presence` | whether a request may ask for presence |
//! | `history` | `GET` of a page of the log as JSON |
//! | `history_pieces` | its text, encoded when it is asked for |
//! | `gap` | the header that tells a gap |
//! | `problem` | what publishers and readers are told when the hub fails them |

pub(crate) mod admission;
mod batch;
mod batch_hash;
pub(crate) mod beginning;
pub(crate) mod carry;
pub(crate) mod framed;
pub(crate) mod gap;
pub(crate) mod history;
mod history_pieces;
mod lines_body;
mod poll;
mod presence;
pub(crate) mod problem;
pub(crate) mod producer;
pub(crate) mod publish;
pub(crate) mod publish_lines;
pub(crate) mod stream_head;
pub(crate) mod subscribe;
pub(crate) mod subscribe_body;
pub(crate) mod subscribe_request;
