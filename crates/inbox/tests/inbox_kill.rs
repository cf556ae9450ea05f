//! kill -9 under load, again and again: what was acknowledged is there once, counts are right, and the database is that of its log
//! whatever became of its files.
//!
//! After each kill the records of the log are folded by the [model](naive), and the inbox must show what that shows: with the database as
//! the kill left it, with its files cut, zeroed, removed, put back from an older copy or taken from another log, and for a second
//! projection that begins with nothing. Also with a retention that takes the beginning of the log all the time.
//! `TIDINGS_TEST_KILLS` says how often.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot go wrong here need not be told well"
)]

#[path = "kill/damage.rs"]
mod damage;
#[path = "kill/load.rs"]
mod load;
#[path = "model/naive.rs"]
mod naive;
#[path = "kill/records.rs"]
mod records;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use damage::{Damage, Files};
use load::{Opened, USERS, user};
use naive::{Model, Record};
use records::Line;
use serde_json::Value;
use tidings_core::{Cursor, Epoch, Sequence};
use tidings_inbox::{Flags, Inbox, InboxError, InboxSettings, ListRequest};

const KILLS: usize = 4;

/// How long it may take until an inbox is what it should be.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the killed process runs; nothing in a common test run.
#[test]
fn child() {
    load::run();
}

#[test]
fn the_inbox_is_that_of_its_log_after_many_kills() {
    kill_and_judge("whole");
}

#[test]
fn the_inbox_outlives_kills_while_retention_takes_what_it_came_from() {
    kill_and_judge("retained");
}

fn kill_and_judge(name: &str) {
    let kills = std::env::var("TIDINGS_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join(name);
    fs::create_dir(&directory).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut acknowledged = Vec::new();
    let mut files = Files::new(&directory);
    let foreign = temporary.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    drop(live_and_be_killed(&foreign, 0, 100));
    files.know_foreign(&foreign);
    let mut taken = 0;
    let mut dice = 7_u64;

    for life in 0..kills {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let enough = 50 + usize::try_from(dice >> 33).unwrap() % 400;
        acknowledged.extend(live_and_be_killed(&directory, life, enough));
        files.remember();
        // Each of them sooner or later, and the first one often.
        for damage in Damage::some(life) {
            files.put_back();
            files.damage(damage, dice);
            println!("life {life}, {enough} acknowledged, {damage:?}");
            let judged = runtime
                .block_on(async { tokio::time::timeout(PATIENCE, judge(&directory, &acknowledged)).await });
            taken = judged.unwrap_or_else(|_| panic!("the inbox does not come to its end after {damage:?}"));
        }
    }
    assert_eq!(taken > 0, directory.ends_with("retained"), "retention has taken the beginning of the log");
}

/// Runs the load until so much is acknowledged, and kills it.
fn live_and_be_killed(directory: &Path, life: usize, enough: usize) -> Vec<(u64, Value)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(load::DIRECTORY, directory)
        .env(load::LIFE, life.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged = Vec::new();
    while acknowledged.len() < enough {
        let line = lines.next().expect("the load goes on until it is killed");
        acknowledged.extend(parse(&line));
    }
    kill(&mut child);
    acknowledged.extend(lines.filter_map(|line| parse(&line)));
    acknowledged
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What a line acknowledges. The last one may be cut off.
fn parse(line: &str) -> Option<(u64, Value)> {
    let (id, record) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
    Some((id.parse().ok()?, serde_json::from_str(record).ok()?))
}

/// How much of the log retention has taken is the answer.
async fn judge(directory: &Path, acknowledged: &[(u64, Value)]) -> u64 {
    let retained = directory.ends_with("retained");
    let Opened { hub, inbox, recorder } = load::open(directory, retained).await;
    let mut records = recorded(directory);
    records.extend(
        records::read(&hub, Sequence::ZERO)
            .await
            .iter()
            .map(|event| (event.cursor.sequence.0, Record::of(event))),
    );
    let mut model = Model::default();
    records.values().for_each(|record| drop(model.fold(record)));

    all_is_in_the_log(acknowledged, &records, &model);
    shows_what_the_model_shows(&inbox, &model).await;
    let settings = InboxSettings { items_max: 40, unread_max: 60, ..InboxSettings::default() };
    let second = Inbox::start(hub.clone(), settings, Arc::new(load::SystemClock)).await.unwrap();
    second.ready().await;
    shows_what_the_model_shows(&second, &model).await;

    let floor = hub.bounds().floor;
    drop((inbox, second, recorder));
    hub.close().await.unwrap();
    drop(hub);
    while is_open(&load::database(directory)) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    floor.sequence.0
}

/// What was acknowledged is in the log once, and the count that was told is the right one.
fn all_is_in_the_log(acknowledged: &[(u64, Value)], records: &BTreeMap<u64, Record>, model: &Model) {
    let mut titles = BTreeMap::<&str, usize>::new();
    for record in records.values() {
        let says = record.data.as_object().unwrap().values().next().unwrap();
        if let Some(title) = says["says"]["title"].as_str() {
            *titles.entry(title).or_default() += 1;
        }
    }
    for (at, what) in acknowledged {
        if let Some(title) = what["title"].as_str() {
            assert_eq!(titles.get(title), Some(&1), "{title} is there once");
        } else if *at > 0 {
            let name = what["user"].as_str().unwrap().to_owned();
            assert!(records.contains_key(at), "the record at {at}, {what}");
            assert_eq!(model.counts.get(&(name, *at)), what["count"].as_u64().as_ref(), "{what} at {at}");
        }
    }
}

async fn shows_what_the_model_shows(inbox: &Inbox, model: &Model) {
    for number in 0..USERS {
        let user = user(number);
        let request = ListRequest { limit: Some(200), ..ListRequest::default() };
        let listed = loop {
            match inbox.list(&user, request.clone()).await {
                Ok(listed) => break listed,
                // It has noticed that the database is damaged, and makes it anew.
                Err(InboxError::Database(_) | InboxError::NotReady) => tokio::time::sleep(load::PAUSE).await,
                Err(error) => panic!("{error}"),
            }
        };
        let held = model.inbox(user.as_str());
        let items: Vec<_> = listed
            .items
            .iter()
            .rev()
            .map(|item| naive::Item {
                id: item.id.to_string(),
                sequence: item.id.sequence.0,
                time: item.time.0,
                says: serde_json::to_value(&item.says).unwrap(),
                read: item.flags.has(Flags::READ),
                seen: item.flags.has(Flags::SEEN),
                archived: item.flags.has(Flags::ARCHIVED),
            })
            .collect();
        assert_eq!(ids(&items), ids(&held.items), "{user}");
        assert_eq!(items, held.items, "{user}");
        let unread = (listed.unread.count, listed.unread.version.0);
        assert_eq!(unread, (held.unread(), held.version), "{user}");
        assert_eq!(inbox.unread(&user).await.unwrap(), listed.unread, "{user}");
        assert_eq!(inbox.mutes(&user).await.unwrap(), Vec::from_iter(held.mutes), "{user}");
        assert_eq!(inbox.follows(&user).await.unwrap(), Vec::from_iter(held.follows), "{user}");
    }
}

fn ids(items: &[naive::Item]) -> Vec<u64> {
    items.iter().map(|item| item.sequence).collect()
}

/// What retention has taken.
fn recorded(directory: &Path) -> BTreeMap<u64, Record> {
    let text = fs::read_to_string(load::recorded(directory)).unwrap_or_default();
    let lines = text.lines().filter_map(Line::parse);
    let record = |line: Line| {
        let place = Cursor::new(Epoch(line.epoch), Sequence(line.sequence));
        (line.sequence, Record { place, time: line.time, data: serde_json::from_str(&line.data).unwrap() })
    };
    lines.map(record).collect()
}

fn is_open(path: &Path) -> bool {
    let files = fs::read_dir("/proc/self/fd").unwrap();
    files.flatten().filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file == path)
}
