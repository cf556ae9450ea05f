//! What `/readyz` says is wrong with the store of a hub that serves.

use tidings_http::Trouble;
use tidings_store::{Condition, StoreMetrics};

/// What is wrong now.
pub(super) fn of(store: &StoreMetrics) -> Vec<Trouble> {
    told(&store.condition())
}

fn told(condition: &Condition) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    if condition.is_full {
        let text = "the disk of the log is full: publishers are answered 507 until there is room, and readers are served";
        troubles.push(Trouble { name: "store-full", text: text.to_owned() });
    }
    if let Some(first) = condition.damage.first() {
        let (events, ranges) = (condition.unreadable(), condition.damage.len());
        let text = format!(
            "{events} events of the log in {ranges} ranges cannot be read, the first are {} to {}: their readers hear of a gap, and the rest is \
             served; `tidings store verify` says more",
            first.start(),
            first.end()
        );
        troubles.push(Trouble { name: "store-damaged", text });
    }
    troubles
}
