//! A reader that comes back with the id of an event, and what it must hear: of a stream, and of history.

use serde_json::Value;
use tidings_testkit::connection::{Heard, Stream};
use tidings_testkit::hub::Hub;

const TARGET: &str = "/events/news";
const GAP: &str = "tidings.gap";

/// Publishes events of one length, and returns what a reader hears of them.
pub(crate) fn publish(hub: &Hub, count: usize) -> Vec<Heard> {
    (0..count).map(|n| publish_one(hub, &format!("event {n} of process {:07}", hub.pid()))).collect()
}

/// Publishes an event, and returns what a reader hears of it.
pub(crate) fn publish_one(hub: &Hub, data: &str) -> Heard {
    let answer = hub.publish("news", data);
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = text(&json(&answer.body)["id"]);
    Heard { event: String::new(), data: data.to_owned(), id }
}

/// The stream of a reader that comes back with the id of an event.
pub(crate) fn resume(hub: &Hub, event: &Heard) -> Stream {
    hub.connect().subscribe(TARGET, Some(&event.id)).expect("the hub answers a subscriber")
}

/// All that is held, as a new reader hears it that asks for it. Ends after `count` events.
pub(crate) fn from_the_earliest(hub: &Hub, count: usize) -> Vec<Heard> {
    let mut stream = hub.subscribe(&format!("{TARGET}?since=earliest"));
    (0..count).map(|_| hear(&mut stream)).collect()
}

pub(crate) fn hear(stream: &mut Stream) -> Heard {
    stream.next().expect("the stream is whole").expect("the stream goes on")
}

/// What a reader must hear that comes back with an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due<'a> {
    pub(crate) event: &'a Heard,
    /// Why it is told of a gap, and after how many events of the log it goes on; if it is.
    pub(crate) gap: Option<(&'static str, usize)>,
    /// The events that follow.
    pub(crate) events: &'a [Heard],
}

impl Due<'_> {
    /// A stream has all that is due, and nothing before or between.
    pub(crate) fn assert_streamed(&self, stream: &mut Stream) {
        let count = usize::from(self.gap.is_some()) + self.events.len();
        self.assert_heard((0..count).map(|_| hear(stream)).collect());
    }

    /// A page of history has all that is due, and nothing else.
    pub(crate) fn assert_in_history(&self, hub: &Hub) {
        let target = format!("{TARGET}?limit=1000&last_event_id={}", self.event.id);
        let answer = hub.connect().get(&target, &[("Accept", "application/json")]).expect("the hub answers");
        let page = json(&answer.body);
        let gap = page.get("gap").map(|gap| Heard {
            event: GAP.to_owned(),
            data: gap.to_string(),
            id: text(&gap["resumes_after"]),
        });
        let events = page["events"].as_array().expect("a page has events").iter().map(|event| {
            assert_eq!(event["type"], "message");
            Heard { event: String::new(), data: text(&event["data"]), id: text(&event["id"]) }
        });
        self.assert_heard(gap.into_iter().chain(events).collect());
    }

    fn assert_heard(&self, mut heard: Vec<Heard>) {
        let told = heard.first().is_some_and(|first| first.event == GAP).then(|| heard.remove(0));
        assert_eq!(told.as_ref().map(|told| self.reason_and_place(told)), self.gap_in_words(), "{self:?}");
        assert_eq!(heard, self.events, "after {:?}", self.event);
    }

    /// What a gap says. Two epochs meet at the place where it goes on, and each has a name for it.
    fn reason_and_place(&self, told: &Heard) -> (String, usize) {
        let gap = json(&told.data);
        assert_eq!(
            (text(&gap["requested"]), text(&gap["resumes_after"])),
            (self.event.id.clone(), told.id.clone())
        );
        let (_, sequence) = told.id.split_once('-').expect("the hub goes on at a place of its own");
        (text(&gap["reason"]), sequence.parse().expect("a place ends with a number"))
    }

    fn gap_in_words(&self) -> Option<(String, usize)> {
        self.gap.map(|(reason, after)| (reason.to_owned(), after))
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("the hub writes JSON")
}

fn text(value: &Value) -> String {
    value.as_str().expect("it is a text").to_owned()
}
