//! Measures the inbox without HTTP, and prints a line of JSON for each figure. `crates/bench/scripts/inbox.py` runs it.
//!
//! ```text
//! inbox_reach rebuild DIR EVENTS USERS     how fast the database is made anew from a log
//! inbox_reach read    DIR USERS ITEMS      counts and lists, from the store
//! inbox_reach notify  DIR SECONDS WRITERS  durable notifications per second
//! inbox_reach topic   DIR FOLLOWERS        one notification to those who follow a topic, and one to a user behind it
//! ```

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program whose figures are read by a script")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tidings_core::{Clock, Hub, Limits, Topic, UnixMillis};
use tidings_inbox::{Inbox, InboxSettings, ListRequest, Location, Notification, User};
use tidings_sse::EventType;
use tidings_store::{FileStore, FileStoreConfig};

/// Drafts of one append while a log is made.
const APPENDED: u64 = 1_000;

/// Counts, and lists, that are read.
const READINGS: usize = 20_000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(u64::try_from(since.as_millis()).unwrap_or(0))
    }
}

/// Numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match arguments[..] {
        ["rebuild", dir, events, users] => {
            runtime.block_on(rebuild(dir.into(), events.parse()?, users.parse()?))
        }
        ["read", dir, users, items] => runtime.block_on(read(dir.into(), users.parse()?, items.parse()?)),
        ["notify", dir, seconds, writers] => {
            runtime.block_on(notify(dir.into(), seconds.parse()?, writers.parse()?))
        }
        ["topic", dir, followers] => runtime.block_on(topic(dir.into(), followers.parse()?)),
        _ => {
            Err("inbox_reach rebuild DIR EVENTS USERS | read DIR USERS ITEMS | notify DIR SECONDS WRITERS | topic DIR FOLLOWERS"
                .into())
        }
    }
}

async fn hub(dir: &Path) -> Result<Hub> {
    let config = FileStoreConfig { dir: dir.join("log"), ..FileStoreConfig::default() };
    let store = FileStore::open(config, Arc::new(SystemClock))?;
    Ok(Hub::start(Arc::new(store), Limits::default()).await?)
}

async fn inbox(hub: &Hub, dir: &Path) -> Result<Inbox> {
    let settings =
        InboxSettings { location: Location::File(dir.join("inbox.db")), ..InboxSettings::default() };
    let inbox = Inbox::start(hub.clone(), settings, Arc::new(SystemClock)).await?;
    inbox.ready().await;
    Ok(inbox)
}

fn says(number: u64) -> String {
    format!(
        r#"{{"title":"Order {number} has been sent","body":"It is on its way, and comes within three days.","link":"/orders/{number}","kind":"orders"}}"#
    )
}

/// Appends records as the inbox writes them: notifications, and every sixth one a mark of what was notified before.
async fn fill(hub: &Hub, events: u64, user_of: impl Fn(u64, &mut Numbers) -> u64, marks: bool) -> Result<()> {
    let record = EventType::new("tidings.inbox")?;
    let mut numbers = Numbers(7);
    let mut last_of = std::collections::HashMap::new();
    let mut number = hub.bounds().head.sequence.0;
    let end = number + events;
    while number < end {
        let mut drafts = Vec::new();
        for _ in 0..APPENDED.min(end - number) {
            number += 1;
            let user = user_of(number, &mut numbers);
            let json = match last_of.get(&user).filter(|_| marks && numbers.below(6) == 0) {
                Some(last) => {
                    format!(r#"{{"mark":{{"user":"user-{user}","mark":"read","which":{{"ids":[{last}]}}}}}}"#)
                }
                None => {
                    let says = says(number);
                    if marks {
                        last_of.insert(user, number);
                    }
                    format!(
                        r#"{{"notify":{{"to":"user-{user}","says":{says},"keep":{{"items":1000,"unread":2000}}}}}}"#
                    )
                }
            };
            let topic = Topic::parse(&format!("inbox/user-{user}"))?;
            drafts.push(hub.own_draft(topic, &record, json.into())?);
        }
        hub.publish_all(drafts).await?;
    }
    Ok(())
}

async fn rebuild(dir: PathBuf, events: u64, users: u64) -> Result<()> {
    let hub = hub(&dir).await?;
    let there = hub.bounds().head.sequence.0;
    if there < events {
        fill(&hub, events - there, |_, numbers| numbers.below(users), true).await?;
    }
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.join(format!("inbox.db{ending}")));
    }
    let began = Instant::now();
    let inbox = inbox(&hub, &dir).await?;
    let seconds = began.elapsed().as_secs_f64();
    println!(
        r#"{{"events":{events},"users":{users},"seconds":{seconds:.3},"events_per_second":{:.0},"memory_peak_kb":{}}}"#,
        events as f64 / seconds,
        memory_peak()?
    );
    drop(inbox);
    hub.close().await?;
    Ok(())
}

async fn read(dir: PathBuf, users: u64, items: u64) -> Result<()> {
    let hub = hub(&dir).await?;
    let there = hub.bounds().head.sequence.0;
    if there < users * items {
        // Round by round, so that what belongs to one user came at many times.
        fill(&hub, users * items - there, |number, _| number % users, false).await?;
    }
    let inbox = inbox(&hub, &dir).await?;
    let mut numbers = Numbers(11);
    let (mut counts, mut lists) = (Vec::new(), Vec::new());
    for _ in 0..READINGS {
        let user = User::parse(&format!("user-{}", numbers.below(users)))?;
        let began = Instant::now();
        let unread = inbox.unread(&user).await?;
        counts.push(began.elapsed());
        if unread.count != items {
            return Err(
                format!("{user} has {} unread notifications, and should have {items}", unread.count).into()
            );
        }
        let user = User::parse(&format!("user-{}", numbers.below(users)))?;
        let began = Instant::now();
        let listed = inbox.list(&user, ListRequest::default()).await?;
        lists.push(began.elapsed());
        if listed.items.len() as u64 != items.min(50) {
            return Err(format!("{user} has a page of {} notifications", listed.items.len()).into());
        }
    }
    for (what, mut times) in [("count", counts), ("list", lists)] {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        println!(
            r#"{{"what":"{what}","p50_ms":{:.4},"p99_ms":{:.4},"max_ms":{:.4}}}"#,
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
    drop(inbox);
    hub.close().await?;
    Ok(())
}

async fn notify(dir: PathBuf, seconds: u64, writers: u64) -> Result<()> {
    let hub = hub(&dir).await?;
    let inbox = inbox(&hub, &dir).await?;
    let done = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let ends = began + Duration::from_secs(seconds);
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let (inbox, done) = (inbox.clone(), done.clone());
        tasks.spawn(async move {
            let mut numbers = Numbers(writer);
            while Instant::now() < ends {
                let number = numbers.below(1_000_000);
                let says: Notification =
                    serde_json::from_str(&says(number)).map_err(|error| error.to_string())?;
                let user = User::parse(&format!("user-{}", numbers.below(100_000)))
                    .map_err(|error| error.to_string())?;
                inbox.notify(&user, says, None).await.map_err(|error| error.to_string())?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, String>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let done = done.load(Ordering::Relaxed);
    println!(
        r#"{{"notifications":{done},"writers":{writers},"seconds":{seconds:.3},"notifications_per_second":{:.0}}}"#,
        done as f64 / seconds
    );
    drop(inbox);
    hub.close().await?;
    Ok(())
}

async fn topic(dir: PathBuf, followers: u64) -> Result<()> {
    let hub = hub(&dir).await?;
    let record = EventType::new("tidings.inbox")?;
    let mut drafts = Vec::new();
    for user in 0..followers {
        let json = format!(r#"{{"follow":{{"user":"user-{user}","selector":"orders/*","follows":true}}}}"#);
        drafts.push(hub.own_draft(Topic::parse(&format!("inbox/user-{user}"))?, &record, json.into())?);
        if drafts.len() as u64 == APPENDED || user + 1 == followers {
            hub.publish_all(std::mem::take(&mut drafts)).await?;
        }
    }
    let inbox = inbox(&hub, &dir).await?;
    let began = Instant::now();
    let topic = Topic::parse("orders/9")?;
    let notified = inbox.notify_topic(&topic, serde_json::from_str(&says(1))?, None);
    let behind = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        inbox.notify(&User::parse("behind")?, serde_json::from_str(&says(2))?, None).await?;
        Result::Ok(began.elapsed().as_secs_f64())
    };
    let (notified, behind) = tokio::join!(async { (notified.await, began.elapsed().as_secs_f64()) }, behind);
    println!(
        r#"{{"notified":{},"seconds":{:.3},"behind_seconds":{:.3},"memory_peak_kb":{}}}"#,
        notified.0?.notified.unwrap_or(0),
        notified.1,
        behind?,
        memory_peak()?
    );
    inbox.close().await?;
    hub.close().await?;
    Ok(())
}

/// Kilobytes of memory that this process had at the most.
fn memory_peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?.parse()?)
}
