//! Adds the events of a dump to a log that has some: they get new places, and their old ids as ids of a publisher.

use std::io::BufRead;
use std::sync::Arc;

use tidings_core::{Draft, DraftParts, Epoch, EpochStatus, Event, Placement, Store};
use tidings_http::SystemClock;
use tidings_sse::EventId;
use tidings_store::offline::DumpItem;
use tidings_store::{FileStore, FileStoreConfig};

use super::{LoadArgs, broken, count};
use crate::cmd::store::dump_format::DumpReader;
use crate::cmd::store::failure::cannot_look;
use crate::limits::{APPEND_BYTES, APPEND_EVENTS_MAX};
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::talk::tell;

/// Adds them, in pieces that are there whole or not at all.
pub(super) fn run<R: BufRead>(args: &LoadArgs, reader: &mut DumpReader<R>) -> Result<(), Failure> {
    let config = FileStoreConfig { dir: args.dir.clone(), ..FileStoreConfig::default() };
    let store =
        FileStore::open(config, Arc::new(SystemClock)).map_err(|error| cannot_look(&args.dir, &error))?;
    tell(
        "the directory has a log already: the events of the dump go behind it, get the time of now, and their ids become ids of a publisher",
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Exit::Failed, format!("cannot start threads: {error}")))?;
    let mut appending = Appending {
        store,
        drafts: Vec::new(),
        bytes: 0,
        added: 0,
        known: 0,
        refused: 0,
        own: 0,
        is_over: false,
    };
    let done = runtime.block_on(async {
        while let Some(item) = reader.next().map_err(|error| broken(&error))? {
            appending.add(item, reader.line).await?;
        }
        appending.flush().await?;
        match appending.is_over {
            true => Ok(()),
            false => Err(Failure::new(Exit::Failed, "the dump has no end: a part of it is missing")),
        }
    });
    let closed = runtime.block_on(appending.store.close());
    let Appending { added, known, refused, own, .. } = appending;
    let mut told = format!("{} added", count(added, "event"));
    if known > 0 {
        told += &format!("; {known} were there already, by their idempotency keys");
    }
    if refused > 0 {
        told += &format!(
            "; {refused} were not added, because the log has their idempotency keys with other events"
        );
    }
    if own > 0 {
        told += &format!("; {own} were left out, which the hub had made for itself");
    }
    tell(&told);
    done.map_err(|failure: Failure| match added {
        0 => failure.hint("nothing was changed"),
        added => failure
            .hint(format!("the first {added} were added and stay; see that they are not added once more")),
    })?;
    closed.map_err(|error| Failure::new(Exit::Failed, format!("the log could not be closed: {error}")))
}

struct Appending {
    store: FileStore,
    drafts: Vec<Draft>,
    bytes: usize,
    added: u64,
    known: u64,
    refused: u64,
    own: u64,
    is_over: bool,
}

impl Appending {
    async fn add(&mut self, item: DumpItem, line: u64) -> Result<(), Failure> {
        let error =
            |what: String| Err(Failure::new(Exit::Failed, format!("line {line} of the dump: {what}")));
        if self.is_over {
            return error("the dump goes on behind its end".to_owned());
        }
        match item {
            DumpItem::Begin { epoch, .. } | DumpItem::Epoch { begins: epoch, .. } if self.is_own(epoch) => {
                error(format!(
                    "the log has given ids of epoch {epoch} itself, so the dump is one of this very log; load it into an empty directory"
                ))
            }
            DumpItem::Begin { .. } | DumpItem::Epoch { .. } | DumpItem::Lost { .. } => Ok(()),
            DumpItem::End { .. } => {
                self.is_over = true;
                Ok(())
            }
            DumpItem::Event(event) => self.event(*event).await,
        }
    }

    async fn event(&mut self, event: Event) -> Result<(), Failure> {
        let is_own = event
            .draft
            .event_type()
            .is_some_and(|text| text.as_str().starts_with(tidings_client::RESERVED_TYPE_PREFIX));
        if is_own || event.draft.is_state() {
            self.own += 1;
            return Ok(());
        }
        self.bytes += event.draft.data().len();
        self.drafts.push(again(&event));
        if self.bytes >= APPEND_BYTES || self.drafts.len() >= APPEND_EVENTS_MAX {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.bytes = 0;
        let placed = self.store.append(std::mem::take(&mut self.drafts)).await;
        let placed = placed
            .map_err(|error| Failure::new(Exit::Failed, format!("the log takes no events: {error}")))?;
        for placement in placed {
            match placement {
                Placement::New(_) => self.added += 1,
                Placement::Repeated(_) => self.known += 1,
                Placement::KeyReused(_) | Placement::BatchAt(_) => self.refused += 1,
            }
        }
        Ok(())
    }

    fn is_own(&self, epoch: Epoch) -> bool {
        self.store.status_of(epoch) != EpochStatus::Unknown
    }
}

/// The event as a publisher of its own would send it. The place in a batch means nothing here, so a key that stands for a batch goes with it.
fn again(event: &Event) -> Draft {
    let draft = &event.draft;
    Draft::restore(DraftParts {
        event_type: draft.event_type().cloned(),
        id: EventId::new(event.id_text()).ok(),
        retry_ms: draft.retry_ms(),
        key: draft.key().filter(|_| draft.batch_part().is_none()).cloned(),
        ..DraftParts::new(draft.topic().clone(), draft.data().clone())
    })
}
