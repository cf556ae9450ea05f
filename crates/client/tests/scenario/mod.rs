//! A scenario: what it says, and how it is played.

mod play;
mod script;

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
struct File {
    scenarios: Vec<Scenario>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) profile: Profile,
    connections: Vec<Connection>,
    expect: Expect,
    #[serde(default)]
    options: Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    Whatwg,
    Managed,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Connection {
    respond: Option<Respond>,
    #[serde(default)]
    refuse: bool,
    #[serde(default)]
    repeat: bool,
    #[serde(default)]
    expect_request: ExpectRequest,
    comment_every_ms: Option<u64>,
    client_closes_after_error: Option<usize>,
    client_closes_after_event: Option<usize>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Respond {
    status: u16,
    headers: Map<String, Value>,
    chunks: Vec<String>,
    then: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ExpectRequest {
    path: Option<String>,
    method: Option<String>,
    body: Option<String>,
    headers: Map<String, Value>,
    absent_headers: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expect {
    opens: Option<usize>,
    events: Option<Vec<ExpectedEvent>>,
    errors: Option<Vec<String>>,
    final_state: Option<String>,
    requests: Option<usize>,
    quiet_ms: Option<u64>,
    error_within_ms: Option<u64>,
    within_ms: Option<u64>,
    max_requests: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExpectedEvent {
    r#type: String,
    data: String,
    last_event_id: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Options {
    headers: Map<String, Value>,
    method: Option<String>,
    body: Option<String>,
    initial_delay_ms: Option<u64>,
    read_timeout_ms: Option<u64>,
}

impl Scenario {
    pub(crate) fn all() -> Vec<Self> {
        let file: File = serde_json::from_str(include_str!("../vectors/client_scenarios.json")).unwrap();
        file.scenarios
    }
}
