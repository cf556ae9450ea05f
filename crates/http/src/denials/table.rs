//! Who is kept out, and until when: a table of bounded size.

use std::collections::HashMap;
use std::sync::Arc;

use tidings_core::UnixMillis;

use crate::limits::DENIALS_MAX;

/// Somebody who is kept out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Outcast {
    User(Arc<str>),
    Token(Arc<str>),
}

/// Until when each of them is kept out.
#[derive(Debug, Default)]
pub(super) struct DenialTable(HashMap<Outcast, UnixMillis>);

/// There are as many as there may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TableFull;

impl DenialTable {
    /// Keeps somebody out. The newest word counts, also if it ends sooner than the one before.
    pub(super) fn deny(
        &mut self,
        outcast: Outcast,
        until: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), TableFull> {
        if self.0.len() >= DENIALS_MAX && !self.0.contains_key(&outcast) {
            self.0.retain(|_, until| *until > now);
            if self.0.len() >= DENIALS_MAX {
                return Err(TableFull);
            }
        }
        self.0.insert(outcast, until);
        Ok(())
    }

    /// Whether there is room for somebody.
    pub(super) fn has_room(&self, outcast: &Outcast, now: UnixMillis) -> bool {
        let is_over = || self.0.values().any(|until| *until <= now);
        self.0.len() < DENIALS_MAX || self.0.contains_key(outcast) || is_over()
    }

    /// Until when somebody is kept out, if that is not over.
    pub(super) fn until(&self, outcast: &Outcast, now: UnixMillis) -> Option<UnixMillis> {
        self.0.get(outcast).copied().filter(|until| *until > now)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: usize) -> Outcast {
        Outcast::User(number.to_string().into())
    }

    #[test]
    fn somebody_is_kept_out_until_a_time_by_the_newest_word() {
        let mut table = DenialTable::default();
        let at = |table: &DenialTable, ms| table.until(&user(1), UnixMillis(ms));
        table.deny(user(1), UnixMillis(100), UnixMillis(0)).unwrap();

        assert_eq!((at(&table, 99), at(&table, 100)), (Some(UnixMillis(100)), None));
        table.deny(user(1), UnixMillis(50), UnixMillis(0)).unwrap();
        assert_eq!((at(&table, 49), at(&table, 50)), (Some(UnixMillis(50)), None));
        assert_eq!(table.until(&Outcast::Token("1".into()), UnixMillis(0)), None, "a token of the same name");
    }

    #[test]
    fn a_full_table_takes_no_more_until_some_are_over() {
        let mut table = DenialTable::default();
        for number in 0..DENIALS_MAX {
            let until = UnixMillis(if number == 7 { 50 } else { 100 });
            table.deny(user(number), until, UnixMillis(0)).unwrap();
        }
        let more = user(DENIALS_MAX);

        assert!(!table.has_room(&more, UnixMillis(49)) && table.has_room(&user(3), UnixMillis(49)));
        assert_eq!(table.deny(more.clone(), UnixMillis(100), UnixMillis(49)), Err(TableFull));
        table.deny(user(3), UnixMillis(200), UnixMillis(49)).unwrap();
        assert!(table.has_room(&more, UnixMillis(50)));
        table.deny(more.clone(), UnixMillis(100), UnixMillis(50)).unwrap();
        assert_eq!(table.until(&more, UnixMillis(50)), Some(UnixMillis(100)));
    }
}
