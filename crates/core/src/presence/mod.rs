//! Presence: which users read a topic, told to those who watch it. It is not in the log.
//!
//! Nobody counts a topic that nobody watches. The first watcher of a topic has the roster called once; from then on what the
//! roster tells of sessions keeps the list, and one notice in each debounce is shared by all watchers of the topic.
//!
//! | file | noun |
//! |---|---|
//! | `presences` | all watched topics of a hub, and their watchers |
//! | `topic_presence` | the users of one topic, and what is to be told of them |
//! | `notice` | what watchers are told |
//! | `view` | one watcher of some topics |
//! | `matching` | which of many topics selectors match |
//! | `keeper` | the task that has an eye on the time, and calls the roster |

mod keeper;
mod matching;
mod notice;
mod presences;
mod topic_presence;
mod view;

pub(crate) use keeper::keep;
pub use matching::{matches_any, matching};
pub use notice::{News, Notice, People, Person};
pub use presences::{Presences, TooManyWatched};
pub use view::{Look, PresenceView};

use crate::event::Topic;
use crate::select::{Selector, Selectors};

/// What the topics begin with by which the presence of a topic is asked for.
pub const PRESENCE_PREFIX: &str = "tidings/presence/";

/// The topics of which selectors ask for the presence.
pub fn watched_topics(selectors: &Selectors) -> impl Iterator<Item = Topic> {
    let named = selectors.iter().filter_map(Selector::topic);
    named.filter_map(|topic| Topic::parse(topic.as_str().strip_prefix(PRESENCE_PREFIX)?).ok())
}
