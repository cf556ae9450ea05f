//! What the hub takes from the machine: as many open files as it may have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::limits::FILES_RESERVE;

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

/// Says so if there are fewer files than connections: beyond them nobody could be answered.
pub(super) fn warn_of_few_files(open_files: u64, config: &Config) {
    let connections = (config.connections_max as u64).saturating_add(config.connections_reserve as u64);
    let needed = connections.saturating_add(FILES_RESERVE);
    if open_files < needed {
        tracing::warn!(
            open_files,
            needed,
            "the limit of open files is too low for connections_max and connections_reserve; raise it (ulimit -n, LimitNOFILE)"
        );
    }
}
