//! What subscribers cost over TLS and HTTP/2, seen from outside: any server of event streams over https can be measured.
//!
//! `secure idle URL --pid PID [--subscribers 2000]` opens that many streams over HTTP/1.1, each on its connection, and
//! tells by how much the server's memory grew for each of them.
//! `secure streams URL --pid PID [--connections 10] [--streams 91]` opens HTTP/2 connections with one stream each, then
//! the others, and tells what a connection with its first stream takes, and what a further stream does.
//! `secure fanout URL --pid PID [--subscribers 1000] [--events 400] [--protocol h1|h2] [--streams-per-connection 100]
//! [--publish-url URL]` publishes one event at a time over HTTP/1.1, waits until all have it, and tells the server's
//! time on the processor for each delivery.
//!
//! All take `--fingerprint SHA256`: the one certificate that is believed. What was found is one line of JSON.
//! Memory is `Anonymous` in `/proc/PID/smaps_rollup` when it has come to rest: what the process has for itself, without
//! the kernel's buffers and without memory that is shared. 64 connections are there before it is first looked at.
//! Each subscriber needs a file descriptor (`ulimit -n`); the server must be on this Linux machine.

mod arguments;
mod connection;
mod crowd;
mod process;
mod trust;

use std::io;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};

use arguments::Arguments;
use connection::{Door, Protocol};
use crowd::Crowd;
use process::Process;

/// Connections that are open before memory is measured, so that the server's first allocations do not count.
const WARM_UP: usize = 64;

/// Events before the measured ones.
const WARM_UP_EVENTS: u64 = 20;

/// Bytes of an event's data: as `tidings bench fanout` has it.
const EVENT_BYTES: usize = 128;

// One thread, so that the program can be pinned to the core that the server is not on.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(found) => println!("{found}"),
        Err(error) => {
            eprintln!("secure: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn run() -> io::Result<Value> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    match arguments.command.as_str() {
        "idle" => idle(&arguments).await,
        "streams" => streams(&arguments).await,
        "fanout" => fanout(&arguments).await,
        other => Err(io::Error::other(format!("{other} is none of idle, streams, fanout"))),
    }
}

async fn idle(arguments: &Arguments) -> io::Result<Value> {
    let subscribers = arguments.number("subscribers", 2_000)?;
    let (mut crowd, server) = begin(arguments, Protocol::Http1)?;
    crowd.join(WARM_UP, 1).await?;

    let before = server.settled_memory_bytes().await?;
    crowd.join(subscribers, 1).await?;
    let after = server.settled_memory_bytes().await?;

    crowd.check_that_all_are_open()?;
    Ok(json!({ "subscribers": subscribers, "memory_bytes_per_subscriber": each(before, after, subscribers) }))
}

async fn streams(arguments: &Arguments) -> io::Result<Value> {
    let connections = arguments.number("connections", 10)?;
    let streams = arguments.number("streams", 91)?;
    let (mut crowd, server) = begin(arguments, Protocol::Http2)?;
    crowd.join(WARM_UP, 1).await?;

    let before = server.settled_memory_bytes().await?;
    let opened = crowd.join(connections, 1).await?;
    let with_one = server.settled_memory_bytes().await?;
    let further = crowd.join_on(opened, streams.saturating_sub(1)).await?;
    let with_all = server.settled_memory_bytes().await?;

    crowd.check_that_all_are_open()?;
    Ok(json!({
        "connections": connections,
        "streams_beyond_the_first": further,
        "memory_bytes_per_connection": each(before, with_one, connections),
        "memory_bytes_per_stream": (further > 0).then(|| each(with_one, with_all, further)),
    }))
}

async fn fanout(arguments: &Arguments) -> io::Result<Value> {
    let subscribers = arguments.number("subscribers", 1_000)?;
    let events = arguments.number("events", 400)? as u64;
    let protocol = arguments.protocol()?;
    let streams = match protocol {
        Protocol::Http1 => 1,
        Protocol::Http2 => arguments.number("streams-per-connection", 100)?.clamp(1, subscribers.max(1)),
    };
    let (mut crowd, server) = begin(arguments, protocol)?;
    crowd.join(subscribers / streams, streams).await?;
    if subscribers % streams > 0 {
        crowd.join(1, subscribers % streams).await?;
    }
    let publishing = Door::new(arguments.publish_url()?, arguments.fingerprint()?, Protocol::Http1)?;
    let mut publisher = publishing.connect().await?;

    crowd.publish(&mut publisher, &publishing, 0..WARM_UP_EVENTS).await?;
    let (cpu_before, begun) = (server.cpu()?, Instant::now());
    let heard_before = crowd.tally();
    crowd.publish(&mut publisher, &publishing, WARM_UP_EVENTS..WARM_UP_EVENTS + events).await?;
    let (took, cpu) = (begun.elapsed(), server.cpu()?.saturating_sub(cpu_before));

    let heard = crowd.tally() - heard_before;
    Ok(json!({
        "subscribers": subscribers,
        "streams_per_connection": streams,
        "events": events,
        "delivered": heard.delivered,
        "lost": (subscribers as u64 * events).saturating_sub(heard.delivered),
        "repeated": heard.repeated,
        "seconds": took.as_secs_f64(),
        "cpu_us_per_delivery": cpu.as_secs_f64() * 1e6 / heard.delivered.max(1) as f64,
    }))
}

fn begin(arguments: &Arguments, protocol: Protocol) -> io::Result<(Crowd, Process)> {
    let door = Door::new(arguments.url.clone(), arguments.fingerprint()?, protocol)?;
    Ok((Crowd::new(door), Process(arguments.pid()?)))
}

/// Negative when the server took less than before, which says that too few were counted.
fn each(before: u64, after: u64, count: usize) -> f64 {
    (after as f64 - before as f64) / count.max(1) as f64
}
