//! A publisher: one connection, topics in turn, and each event again and again until it is acknowledged.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use super::world::{Stage, World};
use crate::limits::{PUBLISH_ANSWER_BYTES_MAX, PUBLISH_ANSWER_MAX, PUBLISH_RETRY_PAUSE};

/// What the hub said to an event.
enum PublishAnswer {
    Published,
    Replayed,
    TryAgain,
}

struct SoakWriter<'a> {
    world: &'a World<'a>,
    connection: Option<BufReader<TcpStream>>,
}

/// Publishes to every topic whose number is `who`, counted modulo the number of publishers.
pub(super) fn write(world: &World<'_>, who: usize) -> io::Result<()> {
    world.guard(|| {
        let mut writer = SoakWriter { world, connection: None };
        let topics = (who..world.plan.topics).step_by(world.plan.publishers);
        let interval = Duration::from_secs_f64(world.plan.publishers as f64 / world.plan.rate);
        let mut due = Instant::now();
        for topic in topics.clone().cycle() {
            match world.stage() {
                Stage::Load | Stage::Settle => {}
                Stage::Last => break,
                Stage::Judge | Stage::Broken => return Ok(()),
            }
            writer.publish(topic)?;
            // What could not be published while the hub was away is not made up for.
            due = (due + interval).max(Instant::now());
            thread::sleep(due.saturating_duration_since(Instant::now()).min(interval));
        }
        topics.into_iter().try_for_each(|topic| writer.publish(topic))
    })
}

impl SoakWriter<'_> {
    /// Publishes the next event of a topic, until it is acknowledged or all is broken.
    fn publish(&mut self, topic: usize) -> io::Result<()> {
        let number = self.world.acknowledged(topic) + 1;
        let request = self.request(topic, number);
        loop {
            match self.exchange(request.as_bytes()) {
                Ok(PublishAnswer::Published) => break,
                Ok(PublishAnswer::Replayed) => {
                    self.world.replayed.fetch_add(1, SeqCst);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(error),
                Ok(PublishAnswer::TryAgain) | Err(_) if self.world.stage() == Stage::Broken => return Ok(()),
                Ok(PublishAnswer::TryAgain) | Err(_) => {
                    self.connection = None;
                    thread::sleep(PUBLISH_RETRY_PAUSE);
                }
            }
        }
        self.world.acknowledge(topic, number);
        Ok(())
    }

    fn request(&self, topic: usize, number: u64) -> String {
        let mut data = format!("soak {topic} {number} ");
        data.extend(std::iter::repeat_n('x', self.world.plan.bytes.saturating_sub(data.len())));
        format!(
            "POST /events/{} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nIdempotency-Key: {topic}.{number}\r\nContent-Length: {}\r\n\r\n{data}",
            self.world.plan.topic(topic),
            self.world.address,
            data.len()
        )
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<PublishAnswer> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect(self.world)?),
        };
        connection.get_mut().write_all(request)?;
        let head = head(connection)?;
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<u64>().ok());
        let body = length.unwrap_or(0).min(PUBLISH_ANSWER_BYTES_MAX);
        io::copy(&mut connection.take(body), &mut io::sink())?;
        match head.split(' ').nth(1).unwrap_or_default() {
            "201" if head.contains("idempotency-replayed: true") => Ok(PublishAnswer::Replayed),
            "201" => Ok(PublishAnswer::Published),
            "429" | "500" | "503" | "507" => Ok(PublishAnswer::TryAgain),
            status => {
                let what = format!("a publish was answered {}", status.escape_debug());
                Err(io::Error::new(io::ErrorKind::InvalidData, what))
            }
        }
    }
}

fn connect(world: &World<'_>) -> io::Result<BufReader<TcpStream>> {
    let socket = TcpStream::connect(world.address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PUBLISH_ANSWER_MAX))?;
    socket.set_write_timeout(Some(PUBLISH_ANSWER_MAX))?;
    Ok(BufReader::new(socket))
}

/// The head of an answer, in lowercase.
fn head(connection: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut head = Vec::new();
    let mut limited = connection.take(PUBLISH_ANSWER_BYTES_MAX);
    while !head.ends_with(b"\r\n\r\n") {
        if limited.read_until(b'\n', &mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).to_ascii_lowercase())
}
