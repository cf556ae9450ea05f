//! The inbox of a user as a stream, as polls, and as a count that is polled.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use support::tokens::{rules, token_of, verifier};
use support::without_id;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Dismissal, Epoch, Hub, Limits, MemoryStore, Selector, Store as _, UnixMillis, Whom};
use tidings_http::grants::Access;
use tidings_http::tidings_inbox::{Inbox, InboxSettings, Location, Mark, Notification, User, Which};
use tidings_http::{AccessSettings, Body, Front, HttpConfig, Pages};
use tidings_testkit::deadline::within_an_hour;
use tidings_testkit::faulty::FaultyStore;
use tokio::time::Instant;

/// A hub with an inbox in memory, without sockets, so that time can stand still. Its first record is `1-1`, after the one with its settings.
struct Scene {
    front: Front,
    hub: Hub,
    inbox: Inbox,
    clock: Arc<ManualClock>,
}

impl Scene {
    async fn start() -> Self {
        let scene = Self::with(3_600_000, HttpConfig::default()).await;
        within_an_hour("the inbox", scene.inbox.ready()).await;
        scene
    }

    /// At a time, with other settings than the defaults. Its inbox has only begun to look what the log has.
    async fn with(now: u64, config: HttpConfig) -> Self {
        let clock = ManualClock::at(now);
        let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
        let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
        let settings = InboxSettings { location: Location::Memory, ..InboxSettings::default() };
        let inbox = Inbox::start(hub.clone(), settings, clock.clone()).await.unwrap();
        let front = Front::new(hub.clone(), config, Pages::default(), clock.clone());
        Self { front: front.with_inbox(inbox.clone()), hub, inbox, clock }
    }

    async fn notify(&self, user: &str, title: &str) -> String {
        let says = Notification { title: title.into(), ..Notification::default() };
        let user = named(user);
        within_an_hour("a notification", self.inbox.notify(&user, says, None)).await.unwrap().id.to_string()
    }

    async fn mark(&self, user: &str, mark: Mark, ids: &[&String]) {
        let sequences = ids.iter().map(|id| sequence(id)).collect();
        self.inbox.mark(&named(user), mark, Which::Ids(sequences)).await.unwrap();
    }

    async fn get(&self, target: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::get(target).header("host", "localhost");
        if !headers.iter().any(|(name, _)| *name == "accept") {
            request = request.header("accept", "text/event-stream");
        }
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        within_an_hour("an answer", self.front.handle(request.body(String::new()).unwrap())).await
    }

    async fn stream(&self, target: &str, after: Option<&str>) -> Stream {
        let headers: Vec<_> = after.iter().map(|place| ("last-event-id", *place)).collect();
        let response = self.get(target, &headers).await;
        assert_eq!(response.status(), StatusCode::OK, "{target}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream { body: response.into_body(), unread: String::new() }
    }

    async fn poll(&self, target: &str, after: Option<&str>) -> Vec<Block> {
        let headers: Vec<_> = after.iter().map(|place| ("last-event-id", *place)).collect();
        let response = self.get(target, &headers).await;
        assert_eq!(response.status(), StatusCode::OK, "{target}");
        blocks(&text(response).await)
    }
}

/// A number of `/metrics`.
async fn number(scene: &Scene, name: &str) -> u64 {
    let text = text(scene.get("/metrics", &[("accept", "text/plain")]).await).await;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is in {text}")).parse().unwrap()
}

fn named(user: &str) -> User {
    User::parse(user).unwrap()
}

fn sequence(id: &str) -> u64 {
    id.split_once('-').unwrap().1.parse().unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = within_an_hour("the answer", response.into_body().collect()).await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A block of a stream, without its comments.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    event: String,
    id: Option<String>,
    data: Value,
}

impl Block {
    fn of(text: &str) -> Option<Self> {
        let field = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned)
        };
        let data = serde_json::from_str(&field("data")?).unwrap();
        Some(Self { event: field("event").unwrap_or_default(), id: field("id"), data })
    }

    fn new(event: &str, id: Option<&str>, data: Value) -> Self {
        Self { event: event.to_owned(), id: id.map(str::to_owned), data }
    }
}

fn blocks(text: &str) -> Vec<Block> {
    text.split("\n\n").filter_map(Block::of).collect()
}

/// A stream that is read block by block.
struct Stream {
    body: Body,
    unread: String,
}

impl Stream {
    /// The next bytes; none at the end.
    async fn more(&mut self) -> Option<String> {
        let frame = within_an_hour("more of the stream", self.body.frame()).await?;
        Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
    }

    async fn next(&mut self) -> Option<Block> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let block = Block::of(block);
                self.unread = rest.to_owned();
                if block.is_some() {
                    return block;
                }
                continue;
            }
            let more = self.more().await?;
            self.unread += &more;
        }
    }

    async fn take(&mut self, count: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        for _ in 0..count {
            blocks.push(self.next().await.unwrap());
        }
        blocks
    }

    async fn rest(mut self) -> String {
        let mut rest = std::mem::take(&mut self.unread);
        while let Some(more) = self.more().await {
            rest += &more;
        }
        rest
    }
}

fn unread(id: Option<&str>, count: u64, version: u64) -> Block {
    Block::new("unread", id, json!({"count": count, "version": version}))
}

/// The beginning of a stream without the delay, which is spread, and the delay.
fn split_retry(text: &str) -> (String, u64) {
    let (before, rest) = text.split_once("retry: ").unwrap();
    let (retry, after) = rest.split_once('\n').unwrap();
    (format!("{before}{after}"), retry.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_stream_begins_with_the_count_and_tells_what_happens() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/inbox/alice", None).await;

    let (opening, retry) = split_retry(&stream.more().await.unwrap());
    assert_eq!(opening, ": heartbeat 15000\nevent: unread\nid: 1-0\ndata: {\"count\":0,\"version\":0}\n\n");
    assert!((3_000..=6_000).contains(&retry), "{retry}");

    let first = scene.notify("alice", "Your order <b>left</b>\u{2028}").await;
    assert_eq!(
        stream.more().await.unwrap(),
        format!(
            "event: notification\ndata: {{\"id\":\"{first}\",\"title\":\"Your order <b>left</b>\u{2028}\",\
             \"time\":\"1970-01-01T01:00:00.000Z\",\"read\":false,\"seen\":false,\"archived\":false}}\n\n\
             event: unread\nid: {first}\ndata: {{\"count\":1,\"version\":{}}}\n\n",
            sequence(&first)
        )
    );

    let second = scene.notify("alice", "two").await;
    stream.take(2).await;
    scene.notify("bob", "not hers").await;
    for (mark, told, left) in [
        (Mark::Seen, json!({"seen": true}), 2),
        (Mark::Read, json!({"read": true, "seen": true}), 0),
        (Mark::Unread, json!({"read": false, "archived": false}), 2),
        (Mark::Archived, json!({"read": true, "seen": true, "archived": true}), 0),
    ] {
        scene.mark("alice", mark, &[&first, &second]).await;
        let heard = stream.take(2).await;
        let mut expected = json!({"ids": [first, second]});
        expected.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
        assert_eq!((heard[0].event.as_str(), &heard[0].id, &heard[0].data), ("changed", &None, &expected));
        let place = heard[1].id.clone().unwrap();
        assert_eq!(heard[1], unread(Some(&place), left, sequence(&place)));
    }

    scene.inbox.delete(&named("alice"), tidings_core::Sequence(sequence(&first))).await.unwrap();
    assert_eq!(stream.next().await.unwrap().data, json!({"ids": [first], "deleted": true}));
    stream.next().await.unwrap();
    scene.inbox.mute(&named("alice"), "sale", true).await.unwrap();
    assert_eq!(stream.next().await.unwrap(), Block::new("changed", None, json!({"muted": ["sale"]})));
    stream.next().await.unwrap();
    scene.inbox.follow(&named("alice"), &Selector::parse("orders/*").unwrap(), true).await.unwrap();
    assert_eq!(stream.next().await.unwrap(), Block::new("changed", None, json!({"follows": ["orders/*"]})));
    stream.next().await.unwrap();
    scene.inbox.erase(&named("alice")).await.unwrap();
    let heard = stream.take(2).await;
    assert_eq!(heard[0], Block::new("changed", None, json!({"all": true, "deleted": true})));
    assert_eq!(heard[1].data["count"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_comes_back_is_told_what_it_missed_and_nothing_twice() {
    let scene = Scene::start().await;
    let gone = scene.notify("alice", "gone").await;
    let read = scene.notify("alice", "read").await;
    let same = scene.notify("alice", "same").await;
    let mut stream = scene.stream("/inbox/alice", None).await;
    assert_eq!(stream.take(1).await, [unread(Some(&same), 3, sequence(&same))]);
    drop(stream);

    scene.inbox.delete(&named("alice"), tidings_core::Sequence(sequence(&gone))).await.unwrap();
    scene.mark("alice", Mark::Read, &[&read]).await;
    let new = scene.notify("alice", "new").await;
    let mut stream = scene.stream("/inbox/alice", Some(&same)).await;
    let heard = blocks(&stream.more().await.unwrap());

    assert_eq!(heard[0], unread(None, 2, sequence(&new)));
    let of = |event: &str| heard.iter().filter(|block| block.event == event).collect::<Vec<_>>();
    assert_eq!(of("notification").len(), 1, "{heard:?}");
    assert_eq!(of("notification")[0].data["id"], json!(new));
    assert!(
        heard.contains(&Block::new(
            "changed",
            None,
            json!({"ids": [read], "read": true, "seen": true, "archived": false})
        )),
        "{heard:?}"
    );
    assert!(heard.iter().any(|block| block.data == json!({"ids": [gone], "deleted": true})), "{heard:?}");
    let (last, before) = heard.split_last().unwrap();
    assert_eq!(last.id.as_deref(), Some(&*new), "the place stands on the last block");
    assert!(before.iter().all(|block| block.id.is_none()), "{heard:?}");

    assert_eq!(of("changed").len(), 2, "preferences are as they were: {heard:?}");

    let mut again = scene.stream("/inbox/alice?last_event_id=nothing", Some(&new)).await;
    assert_eq!(blocks(&again.more().await.unwrap()), [unread(Some(&new), 2, sequence(&new))]);
    let live = scene.notify("alice", "live").await;
    for stream in [&mut stream, &mut again] {
        let heard = stream.take(2).await;
        assert_eq!(heard[0].data["id"], json!(live));
        assert_eq!(heard[1], unread(Some(&live), 3, sequence(&live)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_comes_back_is_told_of_preferences_that_have_changed() {
    let scene = Scene::start().await;
    let alice = named("alice");
    scene.inbox.mute(&alice, "sale", true).await.unwrap();
    let id = scene.notify("alice", "one").await;
    scene.inbox.mute(&alice, "sale", false).await.unwrap();

    let mut stream = scene.stream("/inbox/alice", Some(&id)).await;
    let heard = blocks(&stream.more().await.unwrap());

    let told: Vec<_> = heard.iter().map(|block| block.data.clone()).collect();
    let version = heard[0].data["version"].clone();
    assert_eq!(told, [json!({"count": 1, "version": version}), json!({"muted": []}), json!({"follows": []})]);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_none_is_a_gap_behind_the_count_and_the_stream_goes_on() {
    let scene = Scene::start().await;
    let id = scene.notify("alice", "one").await;
    for (asked, reason) in [
        ("nonsense", "unknown"),
        ("1-999999", "unknown"),
        ("zz-1", "other-epoch"),
        ("msg\"1", "unknown"),
        ("-1", "unknown"),
    ] {
        for target in ["/inbox/alice", "/inbox/alice?mode=poll", "/inbox/alice?mode=long-poll"] {
            let response = scene.get(target, &[("last-event-id", asked)]).await;
            let header = response.headers()["tidings-gap"].to_str().unwrap().to_owned();
            assert_eq!(header, format!("{reason}; resumes-after={id}"), "{asked}");
            let mut stream = Stream { body: response.into_body(), unread: String::new() };
            let heard = stream.take(2).await;
            assert_eq!(heard[0], unread(None, 1, sequence(&id)), "{asked}");
            assert_eq!((heard[1].event.as_str(), heard[1].id.as_deref()), ("tidings.gap", Some(&*id)));
            assert_eq!(heard[1].data["reason"], reason, "{asked}");
            assert_eq!(heard[1].data["resumes_after"], json!(id));
        }
    }
    let mut stream = scene.stream("/inbox/alice", Some("nonsense")).await;
    stream.take(2).await;
    scene.notify("alice", "two").await;
    assert_eq!(stream.next().await.unwrap().data["title"], "two");
}

#[tokio::test(start_paused = true)]
async fn a_stream_beats_and_says_where_it_is_only_in_its_blocks() {
    let scene = Scene::start().await;
    scene.notify("alice", "one").await;
    let mut stream = scene.stream("/inbox/alice?opening=always", None).await;
    let opening = without_id(&stream.more().await.unwrap());
    let behind = opening.split_once("\n\n").unwrap().1;
    assert!(behind.starts_with("event: tidings.open\nid: 1-1\ndata: {\"cursor\":\"1-1\","), "{opening}");
    for _ in 0..2_000 {
        scene.notify("bob", "not hers").await;
    }

    let began = Instant::now();
    for _ in 0..300 {
        assert_eq!(stream.more().await.unwrap(), ":\n");
    }

    assert!(began.elapsed() > Duration::from_secs(3_000), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_client_is_slow_hears_all_of_it_from_the_database() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/inbox/alice", None).await;
    stream.take(1).await;
    let mut titles = Vec::new();
    for number in 0..200 {
        scene.notify("alice", &number.to_string()).await;
        titles.push(number.to_string());
    }

    let (mut heard, mut last) = (Vec::new(), 0);
    while last < 200 {
        let block = stream.next().await.unwrap();
        match block.event.as_str() {
            "notification" => heard.push(block.data["title"].as_str().unwrap().to_owned()),
            "unread" => last = block.data["count"].as_u64().unwrap(),
            _ => {}
        }
    }

    assert_eq!(heard, titles);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_client_misses_too_much_is_told_to_load_the_list_anew() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/inbox/alice", None).await;
    stream.take(1).await;
    for _ in 0..600 {
        scene.notify("alice", "x").await;
    }

    let mut heard = Vec::new();
    loop {
        let block = stream.next().await.unwrap();
        let is_last = block.event == "unread" && block.data["count"] == 600;
        heard.push(block);
        if is_last {
            break;
        }
    }

    let gap = heard.iter().position(|block| block.event == "tidings.gap").unwrap();
    assert_eq!(heard[gap].data["reason"], "expired");
    assert_eq!(heard[gap].id, heard.last().unwrap().id);
    assert_eq!(heard.len(), gap + 2, "nothing of it is told beside the gap: {heard:?}");
}

#[tokio::test(start_paused = true)]
async fn two_streams_of_a_user_hear_the_same_and_end_with_the_same_count() {
    let scene = Scene::start().await;
    let mut streams = [scene.stream("/inbox/alice", None).await, scene.stream("/inbox/alice", None).await];
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(scene.notify("alice", &number.to_string()).await);
    }
    let alice = named("alice");
    let all = || scene.inbox.mark(&alice, Mark::Read, Which::All);
    let (one, other) = tokio::join!(all(), all());
    assert_eq!(one.unwrap().unread, other.unwrap().unread);

    let mut heard = Vec::new();
    for stream in &mut streams {
        let mut blocks = stream.take(1).await;
        while blocks.last().unwrap().data["count"] != 0 || blocks.len() == 1 {
            blocks.push(stream.next().await.unwrap());
        }
        heard.push(blocks);
    }
    let count = |blocks: &[Block]| blocks.iter().filter(|block| block.event == "notification").count();
    assert_eq!(count(&heard[0]), 20);
    assert_eq!(count(&heard[1]), 20);
    assert_eq!(heard[0].last(), heard[1].last());
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_on_the_roster_and_an_operator_ends_it() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/inbox/alice", None).await;
    stream.take(1).await;
    let whom = Whom::Topic(named("alice").topic());

    assert_eq!(scene.hub.roster().dismiss(&whom, Dismissal::ByOperator).await, 1);

    let (rest, retry) = split_retry(&stream.rest().await);
    assert_eq!(rest, "");
    assert!((3_000..=6_000).contains(&retry), "{retry}");
}

#[tokio::test(start_paused = true)]
async fn the_drain_ends_streams_and_polls_with_what_is_at_hand() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/inbox/alice", None).await;
    stream.take(1).await;
    let id = scene.notify("alice", "last").await;
    scene.front.begin_drain();

    let rest = stream.rest().await;
    assert_eq!(blocks(&rest).last().unwrap(), &unread(Some(&id), 1, sequence(&id)));
    assert!(rest.contains("\n\nretry: ") && rest.ends_with('\n'), "{rest}");
    let sent_away = text(scene.get("/inbox/alice", &[]).await).await;
    assert!(sent_away.starts_with("retry: "), "{sent_away}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_the_hub_is_closed() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/inbox/alice", None).await;
    stream.take(1).await;

    scene.hub.close().await.unwrap();

    assert_eq!(split_retry(&stream.rest().await).0, "");
}

#[tokio::test(start_paused = true)]
async fn polls_that_come_back_with_what_they_were_told_miss_nothing_and_hear_nothing_twice() {
    const WRITERS: usize = 4;
    const EACH: usize = 100;
    let scene = Arc::new(Scene::start().await);
    for mode in ["poll", "long-poll&wait=2"] {
        let user = if mode == "poll" { "alice" } else { "bob" };
        let target = format!("/inbox/{user}?mode={mode}");
        let before = scene.notify(user, "before").await;
        scene.mark(user, Mark::Read, &[&before]).await;
        let first = scene.poll(&target, None).await;
        let mut place = first.last().unwrap().id.clone().unwrap();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let scene = scene.clone();
                tokio::spawn(async move {
                    for number in 0..EACH {
                        let id = scene.notify(user, &format!("{writer}/{number}")).await;
                        if number % 3 == 0 {
                            scene.mark(user, Mark::Read, &[&id]).await;
                        }
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();

        let (mut titles, mut count) = (Vec::new(), u64::MAX);
        let mut read = std::collections::BTreeSet::new();
        let mut quiet = 0;
        while quiet < 3 {
            let is_over = writers.iter().all(tokio::task::JoinHandle::is_finished);
            let heard = scene.poll(&target, Some(&place)).await;
            assert_eq!(heard[0].event, "unread", "{heard:?}");
            count = heard[0].data["count"].as_u64().unwrap();
            for block in &heard[1..] {
                match block.event.as_str() {
                    "notification" => {
                        titles.push(block.data["title"].as_str().unwrap().to_owned());
                        if block.data["read"] == true {
                            read.insert(block.data["id"].as_str().unwrap().to_owned());
                        }
                    }
                    "changed" if block.data["read"] == true => {
                        let ids = block.data["ids"].as_array().unwrap();
                        read.extend(ids.iter().map(|id| id.as_str().unwrap().to_owned()));
                    }
                    "changed" if block.data.get("muted").is_some() || block.data.get("follows").is_some() => {
                    }
                    other => panic!("{other}: {block:?}"),
                }
            }
            let last = heard.last().unwrap();
            place = last.id.clone().expect("the last block tells the place");
            quiet = if is_over && heard.len() == 1 { quiet + 1 } else { 0 };
        }
        titles.sort();
        let mut expected: Vec<_> = (0..WRITERS)
            .flat_map(|writer| (0..EACH).map(move |number| format!("{writer}/{number}")))
            .collect();
        expected.sort();
        assert_eq!(titles, expected, "{mode}");
        let listed = scene.inbox.unread(&named(user)).await.unwrap();
        assert_eq!(count, listed.count);
        assert_eq!(titles.len() - read.len(), usize::try_from(count).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_waits_for_what_happens_and_no_longer_than_it_may() {
    let scene = Arc::new(Scene::start().await);
    let id = scene.notify("alice", "one").await;
    let began = Instant::now();
    let first = scene.poll("/inbox/alice?mode=long-poll", None).await;
    assert_eq!(first, [unread(Some(&id), 1, sequence(&id))]);
    assert!(began.elapsed() < Duration::from_secs(1), "the count is what a first poll wants");

    let nothing = scene.poll("/inbox/alice?mode=long-poll&wait=7", Some(&id)).await;
    assert_eq!(nothing, first);
    assert!((7..8).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());

    let waiting = tokio::spawn({
        let (scene, id) = (scene.clone(), id.clone());
        async move {
            let response = scene.get("/inbox/alice?mode=long-poll", &[("last-event-id", &id)]).await;
            text(response).await
        }
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    let new = scene.notify("alice", "two").await;
    let answer = waiting.await.unwrap();
    assert!(answer.starts_with(": heartbeat 15000\nretry: 250\nevent: unread\ndata: "), "{answer}");
    let heard = blocks(&answer);
    assert_eq!(heard[0], unread(None, 2, sequence(&new)));
    assert_eq!((heard[1].data["id"].clone(), heard[1].id.as_deref()), (json!(new), Some(&*new)));
    assert_eq!(heard.len(), 2);
    assert!(began.elapsed() < Duration::from_secs(13), "{:?}", began.elapsed());
}

/// A user of whom the hub has never heard has no inbox, and its polls would come back at once for ever.
#[tokio::test(start_paused = true)]
async fn a_long_poll_of_a_user_without_an_inbox_waits_too() {
    let scene = Scene::start().await;
    let place = scene.poll("/inbox/nobody?mode=poll", None).await[0].id.clone().unwrap();
    scene.notify("alice", "one").await;
    let began = Instant::now();

    let heard = scene.poll("/inbox/nobody?mode=long-poll&wait=9", Some(&place)).await;

    assert_eq!(heard[0].data["count"], 0);
    assert!((9..10).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_the_access_of_its_client() {
    let scene = Scene::start().await;
    let session = tidings_core::Session { until: Some(UnixMillis(3_603_000)), ..Default::default() };
    let request = Request::get("/inbox/alice?mode=long-poll").header("host", "localhost");
    let request = request.header("accept", "text/event-stream").header("last-event-id", "1-0");
    let request = request.extension(Arc::new(session)).body(String::new()).unwrap();
    let front = scene.front.clone();
    let answer = tokio::spawn(async move { text(front.handle(request).await).await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!answer.is_finished());
    scene.clock.set(3_603_000);

    let heard = blocks(&answer.await.unwrap());

    assert_eq!(heard.last().unwrap().event, "tidings.expired");
    assert_eq!(heard.last().unwrap().id.as_deref(), Some("1-0"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_the_access_of_its_client() {
    let scene = Scene::start().await;
    let session = tidings_core::Session { until: Some(UnixMillis(3_603_000)), ..Default::default() };
    let request = Request::get("/inbox/alice").header("host", "localhost");
    let request = request.header("accept", "text/event-stream").extension(Arc::new(session));
    let response = scene.front.handle(request.body(String::new()).unwrap()).await;
    let mut stream = Stream { body: response.into_body(), unread: String::new() };
    stream.take(1).await;
    let id = scene.notify("alice", "one").await;
    stream.take(2).await;
    scene.clock.set(3_603_000);

    let rest = stream.rest().await;

    let heard = blocks(&rest);
    assert_eq!((heard[0].event.as_str(), heard[0].id.as_deref()), ("tidings.expired", Some(&*id)));
    assert!(rest.lines().last().unwrap().starts_with("retry: "), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn a_count_that_is_polled_is_exactly_these_bytes() {
    let scene = Scene::start().await;
    for title in ["one", "two", "three"] {
        scene.notify("alice", title).await;
    }
    for (query, retry) in [("", 10_000), ("?retry=2500", 2_500), ("?retry=1m", 60_000)] {
        let response = scene.get(&format!("/inbox/alice/count{query}"), &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(http_body::Body::size_hint(response.body()).exact().is_some());
        assert_eq!(text(response).await, format!("retry: {retry}\ndata: {{\"count\": 3}}\n\n"));
    }
    let nobody = text(scene.get("/inbox/nobody/count", &[]).await).await;
    assert_eq!(nobody, "retry: 10000\ndata: {\"count\": 0}\n\n");
    let json = text(scene.get("/inbox/alice/count", &[("accept", "application/json")]).await).await;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["count"], 3);
    for query in ["?retry=999", "?retry=2d", "?retry=soon", "?retry=", "?retry=1&retry=2", "?last=1"] {
        let response = scene.get(&format!("/inbox/alice/count{query}"), &[]).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
    }
}

/// Any other status than 200 would make a browser's `EventSource` give up for good.
#[tokio::test(start_paused = true)]
async fn readers_that_come_before_the_inbox_is_there_are_told_when_to_come_back() {
    let clock = ManualClock::at(3_600_000);
    let store = Arc::new(MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default()));
    store.append(vec![draft("a", "in the log, and in no ring"), draft("a", "the newest")]).await.unwrap();
    let (store, fault) = FaultyStore::new(store);
    let mut limits = Limits::default();
    limits.window_bytes_max = 1;
    let hub = Hub::start(Arc::new(store), limits).await.unwrap();
    // The inbox has to read the log, and the log does not answer.
    fault.hold_reads();
    let inbox = Inbox::start(hub.clone(), InboxSettings::default(), clock.clone()).await.unwrap();
    let front = Front::new(hub.clone(), HttpConfig::default(), Pages::default(), clock.clone());
    let scene = Scene { front: front.with_inbox(inbox.clone()), hub, inbox, clock };

    let mut answers = Vec::new();
    for target in ["/inbox/alice", "/inbox/alice?mode=poll", "/inbox/alice/count"] {
        let response = scene.get(target, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{target}");
        answers.push(text(response).await);
    }
    let json = scene.get("/inbox/alice/count", &[("accept", "application/json")]).await;

    assert!(answers[0].starts_with("retry: ") && answers[0].lines().count() == 1, "{answers:?}");
    assert!(answers[1].starts_with("retry: ") && answers[1].lines().count() == 1, "{answers:?}");
    assert_eq!(answers[2], "retry: 10000\n\n");
    assert_eq!(json.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_user_streams_its_own_inbox_until_its_token_ends() {
    const NOW: u64 = 1_767_222_000;
    let access = Access { tokens: Some(verifier(rules())), ..Access::default() };
    let mut config = HttpConfig::default();
    config.access = Some(Arc::new(AccessSettings { access, ..AccessSettings::default() }));
    let scene = Scene::with(NOW * 1_000, config).await;
    within_an_hour("the inbox", scene.inbox.ready()).await;
    let token = |user: &str, exp: u64| {
        let token = json!({"sub": user, "exp": exp, "tidings": {"subscribe": [format!("inbox/{user}")]}});
        format!("Bearer {}", token_of(&token))
    };
    let (alice, over) = (token("alice", NOW + 60), token("alice", NOW - 3_600));
    let forged = alice.replace('.', "x");
    for target in
        ["/inbox/alice", "/inbox/alice?mode=poll", "/inbox/alice?mode=long-poll", "/inbox/alice/count"]
    {
        for (shown, status) in [(&token("bob", NOW + 60), 403), (&over, 401), (&forged, 401)] {
            let response = scene.get(target, &[("authorization", shown)]).await;
            assert_eq!(response.status(), status, "{target}");
        }
        assert_eq!(scene.get(target, &[]).await.status(), 401, "{target}");
    }

    let response = scene.get("/inbox/alice", &[("authorization", &alice)]).await;
    let mut stream = Stream { body: response.into_body(), unread: String::new() };
    stream.take(1).await;
    let id = scene.notify("alice", "one").await;
    stream.take(2).await;
    scene.clock.set((NOW + 60) * 1_000);

    let heard = blocks(&stream.rest().await);
    assert_eq!((heard[0].event.as_str(), heard[0].id.as_deref()), ("tidings.expired", Some(&*id)));
    assert_eq!(heard.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_an_inbox_cannot_be_told_by_is_refused() {
    let scene = Scene::start().await;
    for (target, accept, status) in [
        ("/inbox/alice?since=earliest", "text/event-stream", 400),
        ("/inbox/alice?last=5", "text/event-stream", 400),
        ("/inbox/alice?envelope=json", "text/event-stream", 400),
        ("/inbox/alice?with=topic", "text/event-stream", 400),
        ("/inbox/alice?topic=a", "text/event-stream", 400),
        ("/inbox/alice?on_gap=latest", "text/event-stream", 400),
        ("/inbox/alice?mode=iframe", "text/event-stream", 400),
        ("/inbox/alice?mode=never", "text/event-stream", 400),
        ("/inbox/alice?wait=1000&mode=long-poll", "text/event-stream", 400),
        ("/inbox/alice", "application/x-ndjson", 406),
        ("/inbox/%2F%FF", "text/event-stream", 400),
    ] {
        let response = scene.get(target, &[("accept", accept)]).await;
        assert_eq!(response.status(), status, "{target}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{target}");
    }
    let socket = [("upgrade", "websocket"), ("connection", "upgrade"), ("accept", "*/*")];
    assert_eq!(scene.get("/inbox/alice", &socket).await.status(), 406);
}

/// A hundred readers that come back at once and do not read would each have held as much as a page of the list, and nobody counted it.
#[tokio::test(start_paused = true)]
async fn what_a_reader_has_missed_is_counted_until_it_has_taken_it() {
    let scene = Scene::start().await;
    let first = scene.notify("alice", "seen").await;
    let title = "x".repeat(450);
    for _ in 0..80 {
        scene.notify("alice", &title).await;
    }

    let mut stream = scene.stream("/inbox/alice", Some(&first)).await;
    let lines = stream.more().await.unwrap();
    assert!(lines.starts_with(": heartbeat") && !lines.contains("event: "), "{lines}");
    assert_eq!(number(&scene, "tidings_unread_bytes").await, 0);
    let mut told = stream.more().await.unwrap();
    let held = number(&scene, "tidings_unread_bytes").await;
    assert!(held > 36_000 && held < 70_000, "{held}");

    let newest = scene.notify("alice", "live").await;
    while !told.contains("\"title\":\"live\"") {
        told += &stream.more().await.unwrap();
    }
    assert_eq!(number(&scene, "tidings_unread_bytes").await, 0);
    let blocks = blocks(&told);
    let items = blocks.iter().filter(|block| block.event == "notification").count();
    assert_eq!((blocks[0].event.as_str(), items), ("unread", 81));
    assert!(told.contains(&format!("id: {newest}\n")));

    // One that leaves gives it back.
    let mut other = scene.stream("/inbox/alice", Some(&first)).await;
    other.more().await.unwrap();
    other.more().await.unwrap();
    assert!(number(&scene, "tidings_unread_bytes").await > 36_000);
    drop(other);
    assert_eq!(number(&scene, "tidings_unread_bytes").await, 0);
}

/// The reason is that of every stream whose client comes to a place after which something can no longer be told.
#[tokio::test(start_paused = true)]
async fn beyond_its_bytes_what_was_missed_is_a_gap_and_marks_are_told_however_large_their_items_are() {
    let scene = Scene::start().await;
    let first = scene.notify("alice", "seen").await;
    let large =
        Notification { title: "t".into(), body: Some("x".repeat(8_000).into()), ..Notification::default() };
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(scene.inbox.notify(&named("alice"), large.clone(), None).await.unwrap().id.to_string());
    }
    let told = scene.poll("/inbox/alice?mode=poll", Some(&first)).await;
    assert_eq!(told.iter().filter(|block| block.event == "notification").count(), 7);

    for _ in 0..2 {
        ids.push(scene.inbox.notify(&named("alice"), large.clone(), None).await.unwrap().id.to_string());
    }
    let told = scene.poll("/inbox/alice?mode=poll", Some(&first)).await;
    assert_eq!(told.iter().map(|block| &*block.event).collect::<Vec<_>>(), ["unread", "tidings.gap"]);
    assert_eq!((&told[1].data["reason"], &told[1].data["requested"]), (&json!("expired"), &json!(first)));

    // Their texts are not told, and do not count.
    let place = ids.last().unwrap().clone();
    scene.mark("alice", Mark::Read, &ids.iter().collect::<Vec<_>>()).await;
    let told = scene.poll("/inbox/alice?mode=poll", Some(&place)).await;
    assert_eq!(told.iter().map(|block| &*block.event).collect::<Vec<_>>(), ["unread", "changed"]);
    assert_eq!(told[1].data["ids"].as_array().unwrap().len(), 9);
}
