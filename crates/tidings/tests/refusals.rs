//! Refusals of large bodies, read by other people's clients: curl, Python's `http.client` and node's `fetch`, over HTTP/1.1 and
//! HTTP/2. Each sends bodies of 1 to 64 MiB, and must read every answer.
//!
//! Python sends the whole body before it reads. It never read an answer from 5 MiB on; node read 7 of 10, and curl over HTTP/2
//! none from 3 MiB on.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::process::Command;

use support::run;
use tempfile::NamedTempFile;

/// Requests of each script with each key, in turns of all sizes.
const TIMES: usize = 20;
const MEBIBYTES: [u64; 10] = [1, 5, 3, 17, 5, 1, 64, 9, 5, 3];

/// What curl sends.
const CURL_MEBIBYTES: [u64; 3] = [1, 5, 64];

/// The key that the hub wants.
const KEY: &str = "right";

/// Keys that clients show, and what they are refused with: for the length of their body, or for their key.
const REFUSALS: [(&str, &str); 2] = [(KEY, "413"), ("wrong", "401")];

/// Takes the base URL, a key, the times and the sizes, and prints one status a line.
const PYTHON: &str = r#"
import http.client, ssl, sys, urllib.parse
base, key, times = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sizes = [int(size) << 20 for size in sys.argv[4].split(",")]
for turn in range(times):
    if base.scheme == "https":
        server = http.client.HTTPSConnection(base.netloc, context=ssl._create_unverified_context(), timeout=60)
    else:
        server = http.client.HTTPConnection(base.netloc, timeout=60)
    body = b"x" * (sizes[turn % len(sizes)] + 1)
    server.request("POST", "/events/a", body, {"Authorization": "Bearer " + key, "Content-Type": "text/plain"})
    answer = server.getresponse()
    answer.read()
    print(answer.status)
    server.close()
"#;

const NODE: &str = r#"
const [base, key, times, list] = process.argv.slice(1);
const sizes = list.split(",").map((size) => Number(size) * 1024 * 1024);
for (let turn = 0; turn < Number(times); turn += 1) {
    const headers = { authorization: `Bearer ${key}`, "content-type": "text/plain" };
    const body = Buffer.alloc(sizes[turn % sizes.length] + 1, "x");
    const answer = await fetch(`${base}/events/a`, { method: "POST", headers, body });
    await answer.text();
    console.log(answer.status);
}
"#;

fn sizes() -> String {
    MEBIBYTES.map(|size| size.to_string()).join(",")
}

/// A command with the environment that it needs to start.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", std::env::var_os("HOME").unwrap_or_default());
    command
}

fn hub(arguments: &[&str]) -> tidings_testkit::hub::Hub {
    let mut command =
        support::tidings(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--memory"]);
    command.args(arguments).env("TIDINGS_PUBLISH_KEY", KEY);
    tidings_testkit::hub::Hub::spawn(command)
}

/// Runs a script that sends everything, and compares the statuses.
fn all_are_read(program: &str, arguments: &[&str], base: &str) {
    for (key, status) in REFUSALS {
        let mut script = command(program);
        script.args(arguments).args([base, key, &TIMES.to_string(), &sizes()]);
        script.env("NODE_TLS_REJECT_UNAUTHORIZED", "0");
        let left = run(script);
        assert_eq!(left.stdout, format!("{status}\n").repeat(TIMES), "{}", left.stderr);
    }
}

/// curl reads while it sends. Each size once, over each version.
fn curl_reads(base: &str, versions: &[&str]) {
    let mut file = NamedTempFile::new().unwrap();
    for size in CURL_MEBIBYTES {
        file.as_file_mut().set_len((size << 20) + 1).unwrap();
        for version in versions {
            for (key, expected) in REFUSALS {
                // Without the question whether the body is wanted, too, as a proxy passes it on.
                for expect in ["Expect: 100-continue", "Expect:"] {
                    let mut curl = command("curl");
                    curl.args([
                        "-skS",
                        version,
                        "-H",
                        expect,
                        "-H",
                        "Content-Type: text/plain",
                        "-X",
                        "POST",
                    ]);
                    curl.args([
                        "-H",
                        &format!("Authorization: Bearer {key}"),
                        "-o",
                        "/dev/null",
                        "-w",
                        "%{http_code}",
                    ]);
                    curl.args(["-T", file.path().to_str().unwrap(), &format!("{base}/events/a")]);
                    let left = run(curl);
                    assert_eq!(left.stdout, expected, "{version} {size} MiB, {expect}: {}", left.stderr);
                }
            }
        }
    }
}

#[test]
fn python_and_node_and_curl_read_every_refusal() {
    let hub = hub(&[]);
    let base = format!("http://{}", hub.address);

    all_are_read("python3", &["-c", PYTHON], &base);
    all_are_read("node", &["--input-type=module", "-e", NODE], &base);
    curl_reads(&base, &["--http1.0", "--http1.1"]);
}

#[test]
fn python_and_node_and_curl_read_every_refusal_over_tls() {
    let hub = hub(&["--tls-self-signed"]);
    let base = format!("https://localhost:{}", hub.address.port());

    all_are_read("python3", &["-c", PYTHON], &base);
    all_are_read("node", &["--input-type=module", "-e", NODE], &base);
    curl_reads(&base, &["--http1.0", "--http1.1", "--http2"]);
}
