//! An older copy of a data directory is put back, and the log grows beyond what was lost.
//!
//! A reader that has more than the copy is told so once, and none of the new events is kept from it. No other reader is
//! told anything. No id of a lost event is given again.

mod support;

use std::collections::BTreeSet;

use support::directory::Directory;
use support::reader::{Due, publish, resume};
use tidings_testkit::connection::Heard;
use tidings_testkit::hub::Hub;

#[test]
fn a_copy_of_a_stopped_hub_put_back_is_told_to_readers_who_had_more() {
    put_back_and_judge(Copied::Stopped);
}

#[test]
fn a_copy_of_a_killed_hub_put_back_is_told_to_readers_who_had_more() {
    put_back_and_judge(Copied::Killed);
}

#[test]
fn a_copy_of_a_running_hub_put_back_is_told_to_readers_who_had_more() {
    put_back_and_judge(Copied::Running);
}

/// What the hub was when its directory was copied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    Stopped,
    Killed,
    Running,
}

/// Two lives are in the copy. Two more are lost, and so is the rest of the second if its hub was running. Readers with the
/// id of every event there ever was come back before the log grows again, and after.
fn put_back_and_judge(copied: Copied) {
    let directory = Directory::new();
    let mut kept = directory.live(3, 1);
    let hub = directory.start(&[]);
    kept.extend(publish(&hub, 3));
    let same_life = copy_and_end(&directory, copied, hub);
    let lost = [same_life.clone(), directory.live(2, 0), directory.live(3, 1)].concat();

    directory.put_back();
    let hub = directory.start(&[]);
    let returning: Vec<_> = kept.iter().chain(&lost).collect();
    let mut early: Vec<_> = returning.iter().map(|event| resume(&hub, event)).collect();
    let fresh = publish(&hub, lost.len() + 3);

    assert!(ids(&lost).is_disjoint(&ids(&fresh)), "an id of a lost event is not given again");
    let held = [kept.clone(), fresh].concat();
    for (event, early) in returning.iter().zip(&mut early) {
        let known = kept.iter().position(|kept| kept == *event);
        // The log knows where an epoch ended of which it has a part. Another one may have left its line anywhere.
        let ended = if same_life.contains(event) { kept.len() } else { 0 };
        let (gap, after) = known.map_or((Some(("other-epoch", ended)), ended), |at| (None, at + 1));
        let due = Due { event, gap, events: &held[after..] };
        due.assert_streamed(early);
        due.assert_streamed(&mut resume(&hub, event));
        due.assert_in_history(&hub);
    }
    // Afterwards it is a log like any other.
    hub.kill();
    let hub = directory.start(&[]);
    for at in [0, kept.len(), held.len() - 2] {
        Due { event: &held[at], gap: None, events: &held[at + 1..] }.assert_in_history(&hub);
    }
}

/// Copies the directory and ends the hub. Returns what was published after the copy was made, in the same life.
fn copy_and_end(directory: &Directory, copied: Copied, hub: Hub) -> Vec<Heard> {
    match copied {
        Copied::Stopped => assert!(hub.terminate().success()),
        Copied::Killed => hub.kill(),
        Copied::Running => {
            directory.copy();
            let events = publish(&hub, 2);
            hub.kill();
            return events;
        }
    }
    directory.copy();
    Vec::new()
}

fn ids(events: &[Heard]) -> BTreeSet<&str> {
    events.iter().map(|event| &*event.id).collect()
}
