//! The fold: what the records of one part of the users come to.

use std::io;

use super::held::Part;
use super::memory::MemoryRows;
use super::spill::Spilled;
use crate::effect::Applied;
use crate::record::Record;
use crate::rules::{At, apply};
use crate::user::User;

/// What the JSON of a state record begins with.
const STATE: &[u8] = b"{\"state\":";

/// Folds a part. None if it was stopped.
pub(super) fn fold(
    mut spilled: Spilled,
    began_after: u64,
    is_stopped: impl Fn() -> bool,
) -> io::Result<Option<Part>> {
    let mut rows = MemoryRows::new(began_after);
    while let Some((at, json)) = spilled.next()? {
        if is_stopped() {
            return Ok(None);
        }
        let Some(record) = Record::read(at.place, json) else { continue };
        let Applied { took_state, .. } = apply(&mut rows, at, record, None)?;
        if let Some((user, as_of)) = took_state {
            again(&mut spilled, &mut rows, &user, as_of, at)?;
        }
    }
    Ok(Some(rows.into_part()))
}

/// Applies what the log says of a user between a state and its record.
fn again(
    spilled: &mut Spilled,
    rows: &mut MemoryRows,
    user: &User,
    as_of: u64,
    before: At,
) -> io::Result<()> {
    let goes_on = spilled.position();
    spilled.go_to(spilled.landmark(as_of))?;
    while let Some((at, json)) = spilled.next()? {
        if at.place.sequence >= before.place.sequence {
            break;
        }
        // States of others are large, and are not to be read again.
        if at.place.sequence.0 > as_of
            && !json.starts_with(STATE)
            && let Some(record) =
                Record::read(at.place, json).filter(|record| !matches!(record, Record::State(_)))
        {
            apply(rows, at, record, Some(user))?;
        }
    }
    spilled.go_to(goes_on)
}
