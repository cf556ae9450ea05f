//! What the hub takes from the machine: as many open files as it may have, and how it shares them out.
//!
//! A connection that takes the last file would keep the log from beginning its next segment. So the log has its share first, and
//! connections have what is left.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::{Loaded, Source};
use crate::limits::{
    FILES_FOR_LANE, FILES_FOR_LOG, FILES_FOR_PROCESS, LOBBY_FILES_MAX, LOBBY_FILES_SHARE,
    OLD_SEGMENT_FILES_MAX, OLD_SEGMENT_FILES_MIN, OLD_SEGMENT_FILES_SHARE, RESERVE_FILES_SHARE,
};

/// How many files each part of the hub may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileShares {
    /// Subscribers.
    pub(crate) connections_max: usize,
    /// Connections beyond subscribers.
    pub(crate) connections_reserve: usize,
    /// Connections that have asked for nothing yet.
    pub(crate) lobby_max: usize,
    /// Files of old segments and of their indexes.
    pub(crate) old_segment_files: usize,
}

/// Raises the limit of open files to what the system allows, and returns it. The usual soft limit of 1,024 is there
/// for programs that use select(2), which this one does not.
pub(crate) fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum.unwrap_or(u64::MAX),
        Err(_) => limit.current.unwrap_or(u64::MAX),
    }
}

/// Says how the files are shared out: one line, and another one for each setting that asks for more than there is.
pub(super) fn tell_of_files(open_files: u64, loaded: &Loaded, shares: FileShares) {
    let config = &loaded.config;
    let FileShares { connections_max, connections_reserve, old_segment_files, .. } = shares;
    tracing::info!(
        open_files,
        connections_max,
        connections_reserve,
        old_segment_files,
        "the limit of open files is shared out"
    );
    let settings = [
        ("connections_max", config.connections_max, connections_max),
        ("connections_reserve", config.connections_reserve, connections_reserve),
    ];
    for (name, asked, taken) in settings {
        if taken < asked && loaded.source(name) != Source::Default {
            tracing::warn!(
                open_files,
                "{name} is {asked}, and the limit of open files leaves room for {taken}, which the hub takes; raise the limit (ulimit -n, \
                 LimitNOFILE)"
            );
        }
    }
}

impl FileShares {
    /// The log and the process itself have theirs first. If what is left is less than `connections_max` and `connections_reserve` ask for, and
    /// the lobby beside them, each of these gets less.
    pub(super) fn of(
        open_files: u64,
        (connections_max, connections_reserve): (usize, usize),
        lanes: usize,
    ) -> Self {
        let open_files = usize::try_from(open_files).unwrap_or(usize::MAX);
        let old_segment_files =
            (open_files / OLD_SEGMENT_FILES_SHARE).clamp(OLD_SEGMENT_FILES_MIN, OLD_SEGMENT_FILES_MAX);
        let others = FILES_FOR_PROCESS + FILES_FOR_LOG + lanes.saturating_mul(FILES_FOR_LANE);
        let left = open_files.saturating_sub(old_segment_files).saturating_sub(others);

        // A hub with hardly any files serves one of each kind. It says that there is no room.
        let reserve = connections_reserve.min(left / RESERVE_FILES_SHARE).max(1);
        let lobby = LOBBY_FILES_MAX.min(left / LOBBY_FILES_SHARE).max(1);
        let streams = connections_max.min(left.saturating_sub(reserve).saturating_sub(lobby)).max(1);
        // What a small `connections_max` leaves is for the others.
        let spare = left.saturating_sub(streams).saturating_sub(reserve).saturating_sub(lobby);
        let more_reserve = spare.min(connections_reserve.saturating_sub(reserve));
        let more_lobby = (spare - more_reserve).min(LOBBY_FILES_MAX.saturating_sub(lobby));
        Self {
            connections_max: streams,
            connections_reserve: reserve + more_reserve,
            lobby_max: lobby + more_lobby,
            old_segment_files,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: (usize, usize) = (10_000, 1_000);

    fn sum(shares: FileShares, lanes: usize) -> usize {
        let FileShares { connections_max, connections_reserve, lobby_max, old_segment_files } = shares;
        let others = FILES_FOR_PROCESS + FILES_FOR_LOG + lanes * FILES_FOR_LANE;
        connections_max + connections_reserve + lobby_max + old_segment_files + others
    }

    #[test]
    fn a_usual_limit_gives_what_was_asked_for() {
        let shares = FileShares::of(1_000_000, DEFAULTS, 4);

        let expected = FileShares {
            connections_max: 10_000,
            connections_reserve: 1_000,
            lobby_max: LOBBY_FILES_MAX,
            old_segment_files: OLD_SEGMENT_FILES_MAX,
        };
        assert_eq!(shares, expected);
        assert_eq!(FileShares::of(u64::MAX, DEFAULTS, 4), expected);
    }

    #[test]
    fn no_limit_is_shared_out_twice_and_none_is_left_over() {
        for open_files in [200, 256, 512, 1_024, 4_096, 8_192, 16_000] {
            for asked in [DEFAULTS, (10, 16), (100_000, 16), (1, 100_000)] {
                let shares = FileShares::of(open_files, asked, 2);
                let sum = sum(shares, 2);

                assert!(sum <= open_files as usize, "{open_files}, {asked:?}: {shares:?}");
                let takes_all = asked.0 + asked.1 + LOBBY_FILES_MAX >= open_files as usize;
                assert!(!takes_all || sum == open_files as usize, "{open_files}, {asked:?}: {shares:?}");
            }
        }
    }

    #[test]
    fn nobody_is_left_with_nothing() {
        for open_files in 0..256 {
            let FileShares { connections_max, connections_reserve, lobby_max, old_segment_files } =
                FileShares::of(open_files, DEFAULTS, 64);

            assert!(connections_max > 0 && connections_reserve > 0 && lobby_max > 0);
            assert_eq!(old_segment_files, OLD_SEGMENT_FILES_MIN);
        }
    }

    #[test]
    fn most_of_a_small_limit_is_for_subscribers() {
        let shares = FileShares::of(4_096, DEFAULTS, 2);

        assert!(shares.connections_max > 2_500, "{shares:?}");
        let shares = FileShares::of(256, DEFAULTS, 2);
        assert!(shares.connections_max > 80, "{shares:?}");
    }
}
