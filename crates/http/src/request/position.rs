//! Where a subscription or a page of history begins: `Last-Event-ID`, `since`, `last` and `on_gap`.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use tidings_core::{Clock, OnGap, Position, UnixMillis};

use super::query::Query;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::SINCE_SHOWN_BYTES_MAX;

/// What a position is read by, beside the request.
pub(crate) struct PositionBounds<'a> {
    /// An age such as `since=10m` is counted back from its now.
    pub(crate) clock: &'a dyn Clock,
    /// Events that `last` may ask for.
    pub(crate) last_max: usize,
}

/// Where to begin, if the request says so. The header wins, because a client that reconnects repeats its URL, and must not start over.
pub(crate) fn position(
    bounds: &PositionBounds<'_>,
    headers: &HeaderMap,
    query: &Query<'_>,
) -> Result<Option<Position>, Problem> {
    let since = query.one("since")?.map(|text| since(text, bounds.clock)).transpose()?;
    let last = query.one("last")?.map(|text| last(text, bounds.last_max)).transpose()?;
    if since.is_some() && last.is_some() {
        return Err(Problem::new(ProblemType::SinceAndLast, "give `since` or `last`, not both"));
    }
    let id = match last_event_id(headers) {
        Some(id) => Some(id),
        None => {
            let of_a_stream = query.one("last_event_id")?.or(query.one("lastEventId")?);
            of_a_stream.or(query.one("after")?).map(str::to_owned)
        }
    };
    let id = id.filter(|id| !id.is_empty()).map(Position::Id);
    Ok(id.or(since).or(last))
}

/// Where to go on when what was asked for is gone.
pub(crate) fn on_gap(query: &Query<'_>) -> Result<OnGap, Problem> {
    match query.one("on_gap")? {
        None | Some("earliest") => Ok(OnGap::Earliest),
        Some("latest") => Ok(OnGap::Latest),
        Some(_) => Err(Problem::new(ProblemType::BadOnGap, "`on_gap` is `earliest` or `latest`")),
    }
}

/// Any bytes are taken for an id: a refusal would make a browser give up for good, and the gap that an unknown id leads
/// to tells the client the same.
fn last_event_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("last-event-id")?;
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    (!text.is_empty()).then_some(text)
}

fn since(text: &str, clock: &dyn Clock) -> Result<Position, Problem> {
    match text {
        "earliest" => return Ok(Position::Earliest),
        "now" => return Ok(Position::Now),
        _ => {}
    }
    let refuse = || {
        let detail = "`since` is `earliest`, `now`, an age such as 90s, 10m, 2h or 7d, or a time such as 2026-11-21T08:00:00Z";
        Problem::new(ProblemType::BadSince, detail)
    };
    if let Some(age) = age(text) {
        let ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        return Ok(Position::Since(UnixMillis(clock.now().0.saturating_sub(ms))));
    }
    // In a query string `+` is a space, so the offset of a time loses its sign.
    let lost_its_plus = || {
        // Another space may stand between date and time.
        let (before, after) = text.rsplit_once(' ')?;
        time(&format!("{before}+{after}")).ok()?;
        let example = format!("{}%2B{after}", before.replace(' ', "%20"));
        let detail = format!(
            "`since` has a space where `+` was meant: in a query string `+` is a space, so write %2B, as in since={example}"
        );
        (example.len() <= SINCE_SHOWN_BYTES_MAX).then(|| Problem::new(ProblemType::BadSince, detail))
    };
    time(text).map(Position::Since).map_err(|fault| {
        let detail = match fault {
            TimeFault::NoTime => return lost_its_plus().unwrap_or_else(refuse),
            TimeFault::NoZone => {
                "`since` has no time zone: write Z for UTC, as in since=2026-11-21T08:00:00Z, or an offset, as in \
                 since=2026-11-21T10:00:00%2B02:00"
            }
            TimeFault::BadOffset => "the offset in `since` is more than 23:59",
        };
        Problem::new(ProblemType::BadSince, detail)
    })
}

/// Why a text is no time.
pub(crate) enum TimeFault {
    NoTime,
    /// It is a date, or a date and a time of day, somewhere.
    NoZone,
    /// RFC 3339, 5.6: the hour of an offset is at most 23.
    BadOffset,
}

/// A time with its offset. One that is before 1970, or later than calendars go, is the nearest that can be told.
pub(crate) fn time(text: &str) -> Result<UnixMillis, TimeFault> {
    let pieces = Pieces::parse(text).map_err(|_| TimeFault::NoTime)?;
    let offset = pieces.to_numeric_offset().ok_or(TimeFault::NoZone)?;
    let time = pieces.time().ok_or(TimeFault::NoTime)?;
    if offset.seconds().unsigned_abs() >= 24 * 60 * 60 {
        return Err(TimeFault::BadOffset);
    }
    let latest = if pieces.date().year() > 0 { Timestamp::MAX } else { Timestamp::MIN };
    let time = offset.to_timestamp(pieces.date().to_datetime(time)).unwrap_or(latest);
    Ok(UnixMillis(u64::try_from(time.as_millisecond()).unwrap_or(0)))
}

/// An age such as `90s`, `10m`, `2h` or `7d`.
pub(crate) fn age(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

fn last(text: &str, last_max: usize) -> Result<Position, Problem> {
    let count = text.parse().ok().filter(|count| *count <= last_max);
    let refuse =
        || Problem::new(ProblemType::BadLast, format!("`last` is a number of events, at most {last_max}"));
    count.map(Position::Last).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> Option<u64> {
        time(text).ok().map(|UnixMillis(ms)| ms)
    }

    #[test]
    fn a_time_has_an_offset_and_may_be_far_away() {
        let eight = 1_795_248_000_000;
        for text in [
            "2026-11-21T08:00:00Z",
            "2026-11-21t08:00z",
            "2026-11-21 10:00:00+02:00",
            "2026-11-20T08:01:00-23:59",
            "2026-11-21T10:00:00+02[Europe/Berlin]",
        ] {
            assert_eq!(ms(text), Some(eight), "{text}");
        }
        assert_eq!(ms("2026-11-21T08:00:00.5Z"), Some(eight + 500));
        assert_eq!(ms("0001-01-01T00:00:00Z"), Some(0));
        assert_eq!(ms("-009999-01-01T00:00:00+23:59"), Some(0));
        for latest in ["9999-12-31T00:00:00Z", "9999-12-31T23:59:59-23:59"] {
            assert!(ms(latest) > ms("9999-12-29T00:00:00Z"), "{latest}");
        }
    }

    #[test]
    fn what_a_time_lacks_is_told() {
        for text in
            ["2026-11-21", "2026-11-21T08:00:00", "2026-11-21 08:00", "2026-11-21T08:00[Europe/Berlin]"]
        {
            assert!(matches!(time(text), Err(TimeFault::NoZone)), "{text}");
        }
        for text in ["2026-11-21T08:00:00+24:00", "2026-11-21T08:00:00-25:00", "2026-11-21T08:00:00+24"] {
            assert!(matches!(time(text), Err(TimeFault::BadOffset)), "{text}");
        }
        for text in [
            "",
            "now",
            "10",
            "2026",
            "2026-02-30T00:00:00Z",
            "2026-11-21T08:00:00+99:00",
            "2026-11-21T08:00:00Zx",
        ] {
            assert!(matches!(time(text), Err(TimeFault::NoTime)), "{text}");
        }
    }
}
