//! An example as a process of its own, on a port of its own.

use std::process::Command;

use tidings_testkit::hub::Hub;

/// Starts an example, and waits until it says where it listens. It ends with the test.
pub(super) fn start(path: &str) -> Hub {
    let mut command = Command::new(path);
    command.arg("127.0.0.1:0");
    let mut program = Hub::begin(command);
    let line = program.says("listening on ");
    let address = line.strip_prefix("listening on http://").and_then(|rest| rest.strip_suffix('/'));
    program.address = address.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
    program
}
