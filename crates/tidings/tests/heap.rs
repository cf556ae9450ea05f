//! Memory that a flood has taken goes back to the system when the flood is over.
//!
//! Only where the hub has to see to it itself: on other systems the allocator does.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::io::Write;
use std::net::TcpStream;

use tidings_testkit::deadline::block_until;
use tidings_testkit::hub::Hub;

const CONNECTIONS: usize = 1_500;
const HEAD: &str = "POST /events/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n";

/// Mebibytes of memory that the hub has of its own, from proc_pid_status(5).
fn resident_mib(hub: &Hub) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", hub.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
}

#[test]
fn memory_that_a_flood_has_taken_goes_back() {
    let hub = support::hub(&["--memory"]);
    let before = resident_mib(&hub);
    let half = format!("{HEAD}{}", "x".repeat(9_000));
    let mut flood = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let mut connection = TcpStream::connect(hub.address).unwrap();
        connection.write_all(half.as_bytes()).unwrap();
        flood.push(connection);
    }
    block_until("the bodies to be in memory", || resident_mib(&hub) > before + 25);

    drop(flood);

    block_until("memory to go back", || resident_mib(&hub) < before + 12);
}
