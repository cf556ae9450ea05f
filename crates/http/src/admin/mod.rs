//! What operators ask of live connections, and who is told who receives a topic.
//!
//! | file | noun |
//! |---|---|
//! | `request` | the URLs here: who may ask for each, and what the parameters mean |
//! | `connections` | `GET /admin/connections`: the connections, in pages |
//! | `disconnect` | `POST /admin/disconnect`: ends connections |
//! | `subscriptions` | `GET /subscriptions`: the users that receive a topic |

mod connections;
mod disconnect;
mod request;
mod subscriptions;

pub(crate) use request::{AdminRoute, answer};
