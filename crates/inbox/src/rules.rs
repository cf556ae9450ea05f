//! The rules: what each record does to the rows of the inboxes.
//!
//! They look at nothing but the rows and the record, so every projection of one log comes to the same state.

use std::sync::Arc;

use tidings_core::{Cursor, Sequence, UnixMillis};

use crate::effect::{Applied, Effect, Outcome, Shown, Unread};
use crate::item::{Flags, Item, id};
use crate::notification::Notification;
use crate::record::{Keep, Mark, Notify, Record, StatePart, Which, bucket_of};
use crate::rows::{Account, Owned, Rows};
use crate::user::User;

/// Where a record stands, and from when it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) place: Cursor,
    pub(crate) time: UnixMillis,
}

/// Applies a record to the inboxes of all users, or to that of one.
pub(crate) fn apply<R: Rows>(
    rows: &mut R,
    at: At,
    record: Record,
    only: Option<&User>,
) -> Result<Applied, R::Error> {
    let mut turn = Turn { rows, at, only, applied: Applied::default() };
    match record {
        Record::Notify(Notify { to, says, keep }) => turn.notify(&to, &says, keep)?,
        Record::NotifyMany(Notify { to, says, keep }) => {
            for user in &to {
                turn.notify(user, &says, keep)?;
            }
        }
        Record::NotifyTopic(Notify { to, says, keep }) => {
            for user in turn.rows.followers(&to, only)? {
                turn.notify(&user, &says, keep)?;
            }
        }
        Record::Mark { user, mark, which } => turn.mark(&user, mark, &which)?,
        Record::Delete { user, ids } => turn.delete(&user, &ids, false)?,
        Record::Erase { user } => turn.erase(&user)?,
        Record::Mute { user, kind, muted } => {
            turn.prefer(&user, muted, Shown::Mutes, |rows, key| rows.set_muted(key, &kind, muted))?;
        }
        Record::Follow { user, selector, follows } => {
            turn.prefer(&user, follows, Shown::Follows, |rows, key| {
                rows.set_follows(key, &selector, follows)
            })?;
        }
        Record::Expire { through, users: None } => {
            let owned = turn.rows.expired(through, only)?;
            turn.delete_each(&owned)?;
        }
        Record::Expire { through, users: Some(users) } => {
            for user in users.iter().filter(|user| only.is_none_or(|only| only == *user)) {
                let owned = turn.rows.expired(through, Some(user))?;
                turn.delete_each(&owned)?;
            }
        }
        Record::Prune { bucket, read_before, unread_before } => {
            let owned = turn.rows.aged(bucket, read_before, unread_before, only)?;
            turn.delete_each(&owned)?;
        }
        Record::State(part) => turn.take_state(part)?,
    }
    Ok(turn.applied)
}

/// The application of one record.
struct Turn<'a, R> {
    rows: &'a mut R,
    at: At,
    only: Option<&'a User>,
    applied: Applied,
}

impl<R: Rows> Turn<'_, R> {
    fn sequence(&self) -> u64 {
        self.at.place.sequence.0
    }

    fn is_passed_over(&self, user: &User) -> bool {
        self.only.is_some_and(|only| only != user)
    }

    fn account_or_new(&mut self, user: &User) -> Result<Account, R::Error> {
        match self.rows.account(user)? {
            Some(account) => Ok(account),
            None => {
                let is_complete = self.rows.began_after() == 0;
                // The user may have had another account, which was erased.
                let forgot = self.rows.erased(bucket_of(user))?;
                let account =
                    Account { needs_from: self.sequence(), is_complete, forgot, ..Account::default() };
                self.rows.open(user, account)
            }
        }
    }

    fn notify(&mut self, user: &User, says: &Arc<Notification>, keep: Keep) -> Result<(), R::Error> {
        if self.is_passed_over(user) {
            return Ok(());
        }
        let known = self.rows.account(user)?;
        if let Some(account) = known {
            self.applied.outcome.unread = unread_of(&account);
            if let Some(kind) = &says.kind
                && self.rows.is_muted(account.key, kind)?
            {
                self.applied.outcome.muted = true;
                return Ok(());
            }
            if let Some(dedupe) = &says.dedupe
                && let Some(first) = self.rows.with_dedupe(account.key, dedupe)?
            {
                self.applied.outcome.repeated = Some(first);
                return Ok(());
            }
        }
        let mut account = match known {
            Some(account) => account,
            None => self.account_or_new(user)?,
        };
        let At { place, time } = self.at;
        let item =
            Item { id: place, time, flags: Flags::default(), version: place.sequence, says: says.clone() };
        self.rows.add(account.key, &item)?;
        account.items += 1;
        account.unread += 1;
        let mut shown = vec![Shown::Notification(Box::new(item))];
        let left = self.make_room(&mut account, keep)?;
        if !left.is_empty() {
            shown.push(Shown::Deleted { ids: left, expired: true });
        }
        self.applied.outcome.notified += 1;
        self.changed(user, account, shown)
    }

    /// Takes away what is beyond the bounds of an inbox: what was read first.
    fn make_room(&mut self, account: &mut Account, keep: Keep) -> Result<Vec<Cursor>, R::Error> {
        let mut left = Vec::new();
        while account.items > keep.items && account.items > account.unread {
            let Some(oldest) = self.rows.oldest(account.key, false)? else { break };
            left.extend(self.take_away(account, oldest)?);
        }
        while account.unread > keep.unread {
            let Some(oldest) = self.rows.oldest(account.key, true)? else { break };
            left.extend(self.take_away(account, oldest)?);
        }
        Ok(left)
    }

    fn mark(&mut self, user: &User, mark: Mark, which: &Which) -> Result<(), R::Error> {
        if self.is_passed_over(user) {
            return Ok(());
        }
        let Some(mut account) = self.rows.account(user)? else { return Ok(()) };
        let marked = self.rows.marked_by(account.key, which, mark)?;
        self.applied.outcome.unread = unread_of(&account);
        if marked.is_empty() {
            return Ok(());
        }
        let mut ids = Vec::with_capacity(marked.len());
        for (id, flags) in marked {
            let after = mark.of(flags);
            self.rows.set_flags(account.key, id.sequence.0, after, self.sequence())?;
            match (flags.is_unread(), after.is_unread()) {
                (true, false) => account.unread = account.unread.saturating_sub(1),
                (false, true) => account.unread += 1,
                (true, true) | (false, false) => {}
            }
            ids.push(id);
        }
        self.applied.outcome.changed += count(&ids);
        self.changed(user, account, vec![Shown::Marked { ids, mark }])
    }

    fn delete(&mut self, user: &User, sequences: &[u64], expired: bool) -> Result<(), R::Error> {
        if self.is_passed_over(user) {
            return Ok(());
        }
        let Some(mut account) = self.rows.account(user)? else { return Ok(()) };
        let mut ids = Vec::new();
        for sequence in sequences {
            ids.extend(self.take_away(&mut account, *sequence)?);
        }
        self.applied.outcome.unread = unread_of(&account);
        if ids.is_empty() {
            return Ok(());
        }
        self.applied.outcome.changed += count(&ids);
        self.changed(user, account, vec![Shown::Deleted { ids, expired }])
    }

    /// Takes items away that stand together by user.
    fn delete_each(&mut self, owned: &[Owned]) -> Result<(), R::Error> {
        for of_one in owned.chunk_by(|one, next| one.user == next.user) {
            let sequences: Vec<_> = of_one.iter().map(|owned| owned.sequence).collect();
            self.delete(&of_one[0].user, &sequences, true)?;
        }
        Ok(())
    }

    fn take_away(&mut self, account: &mut Account, sequence: u64) -> Result<Option<Cursor>, R::Error> {
        let version = self.sequence();
        let Some((id, flags)) = self.rows.remove(account, sequence, version)? else { return Ok(None) };
        account.items = account.items.saturating_sub(1);
        if flags.is_unread() {
            account.unread = account.unread.saturating_sub(1);
        }
        Ok(Some(id))
    }

    fn erase(&mut self, user: &User) -> Result<(), R::Error> {
        if self.is_passed_over(user) {
            return Ok(());
        }
        // Also of a user that is not known, since a part of the users has to remember it for others of the bucket.
        self.rows.note_erased(bucket_of(user), self.at.place.sequence.0)?;
        let Some(account) = self.rows.account(user)? else { return Ok(()) };
        self.rows.erase(account.key)?;
        self.applied.outcome.changed += account.items;
        let unread = Unread { count: 0, version: self.at.place.sequence };
        self.applied.outcome.unread = unread;
        let effect = Effect { user: user.clone(), place: self.at.place, shown: vec![Shown::Erased], unread };
        self.applied.effects.push(effect);
        Ok(())
    }

    /// Sets something that a user prefers, or takes it back.
    fn prefer(
        &mut self,
        user: &User,
        sets: bool,
        shown: Shown,
        set: impl FnOnce(&mut R, i64) -> Result<bool, R::Error>,
    ) -> Result<(), R::Error> {
        if self.is_passed_over(user) {
            return Ok(());
        }
        let account = match self.rows.account(user)? {
            Some(account) => account,
            None if sets => self.account_or_new(user)?,
            None => return Ok(()),
        };
        self.applied.outcome.unread = unread_of(&account);
        if !set(self.rows, account.key)? {
            return Ok(());
        }
        self.applied.outcome.changed += 1;
        let account = Account { preferred: self.sequence(), ..account };
        self.changed(user, account, vec![shown])
    }

    /// Notes that an inbox has changed.
    fn changed(&mut self, user: &User, mut account: Account, shown: Vec<Shown>) -> Result<(), R::Error> {
        account.version = self.sequence();
        self.rows.save(&account)?;
        let unread = unread_of(&account);
        self.applied.outcome.unread = unread;
        self.applied.effects.push(Effect { user: user.clone(), place: self.at.place, shown, unread });
        Ok(())
    }

    /// Takes the state of a user from the log, if it is not known better. What the log said between that state and this record is applied
    /// behind it by the caller.
    fn take_state(&mut self, part: StatePart) -> Result<(), R::Error> {
        if self.is_passed_over(&part.user) {
            return Ok(());
        }
        let known = self.rows.account(&part.user)?;
        if part.as_of < self.rows.began_after() {
            // What came behind it is not all in the log any more: the user may have been erased. A user that was not has a later state, since
            // no record leaves the log before that is written.
            return Ok(());
        }
        if self.rows.began_after() == 0 || known.is_some_and(|account| account.is_complete) {
            let Some(mut account) = known.filter(|_| part.last) else { return Ok(()) };
            account.needs_from = account.needs_from.max(part.as_of + 1);
            return self.rows.save(&account);
        }
        let mut account = match known {
            Some(account) => account,
            None => self.account_or_new(&part.user)?,
        };
        if part.first {
            self.rows.clear(account.key)?;
            account = Account { unread: 0, items: 0, ..account };
        }
        for state in part.items {
            let item = Item {
                id: id(state.epoch, state.sequence),
                time: UnixMillis(state.time),
                flags: state.flags,
                version: Sequence(state.version),
                says: state.says,
            };
            self.rows.add(account.key, &item)?;
            account.items += 1;
            account.unread += u64::from(item.flags.is_unread());
        }
        for kind in &part.mutes {
            self.rows.set_muted(account.key, kind, true)?;
        }
        for selector in &part.follows {
            self.rows.set_follows(account.key, selector, true)?;
        }
        account.version = part.version;
        account.forgot = part.as_of;
        account.needs_from = part.as_of + 1;
        account.is_complete = part.last;
        self.applied.took_state = part.last.then_some((part.user, part.as_of));
        self.rows.save(&account)
    }
}

fn unread_of(account: &Account) -> Unread {
    Unread { count: account.unread, version: Sequence(account.version) }
}

fn count(ids: &[Cursor]) -> u64 {
    u64::try_from(ids.len()).unwrap_or(u64::MAX)
}

impl Outcome {
    /// Together with that of another record of the same call.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            notified: self.notified + other.notified,
            repeated: self.repeated.or(other.repeated),
            muted: self.muted || other.muted,
            changed: self.changed + other.changed,
            unread: other.unread,
        }
    }
}
