//! What people put together for an inbox: rows in SQLite, counters and live news in Redis. Written as a careful person would: notifications
//! that arrive together share a transaction, which is on the disk before anybody is answered, and one pipeline to Redis.
//!
//! ```text
//! inbox_glue ADDRESS REDIS_ADDRESS DATABASE
//! ```
//!
//! It answers `POST /inbox/{user}`, `GET /inbox/{user}` and `GET /inbox/{user}/count` as a hub does, as far as the benchmark asks.

mod counters;
mod rows;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc, oneshot};

use counters::Counters;
use rows::{Reader, Row, Writer};

/// Notifications that share a transaction: as many as a hub puts into one.
const TOGETHER_MAX: usize = 1_000;

struct Waiting {
    row: Row,
    answer: oneshot::Sender<i64>,
}

#[derive(Clone)]
struct Glue {
    waiting: mpsc::Sender<Waiting>,
    counters: Counters,
    reader: Arc<Mutex<Reader>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [address, redis, database] = &arguments[..] else {
        return Err(std::io::Error::other("usage: inbox_glue ADDRESS REDIS_ADDRESS DATABASE"));
    };
    let counters = Counters::connect(redis).await?;
    let writer = Writer::open(database).map_err(std::io::Error::other)?;
    let reader = Arc::new(Mutex::new(Reader::open(database).map_err(std::io::Error::other)?));
    let (waiting, arrived) = mpsc::channel(TOGETHER_MAX);
    tokio::spawn(write(writer, counters.clone(), arrived));
    let router = Router::new()
        .route("/inbox/{user}", get(list).post(notify))
        .route("/inbox/{user}/count", get(count))
        .with_state(Glue { waiting, counters, reader });
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await
}

/// Writes what has arrived, then counts and tells it, then answers.
async fn write(mut writer: Writer, counters: Counters, mut arrived: mpsc::Receiver<Waiting>) {
    let mut together = Vec::new();
    while arrived.recv_many(&mut together, TOGETHER_MAX).await > 0 {
        let (rows, answers): (Vec<_>, Vec<_>) =
            together.drain(..).map(|waiting| (waiting.row, waiting.answer)).unzip();
        let written = tokio::task::spawn_blocking(move || {
            let ids = writer.insert(&rows);
            (writer, rows, ids)
        });
        let (returned, rows, ids) = written.await.expect("the writer does not panic");
        writer = returned;
        // Their callers hear an error, since nobody answers them.
        let Ok(ids) = ids else { continue };
        // A process that ends here has rows that are not counted.
        if counters.count_and_tell(&rows).await.is_err() {
            continue;
        }
        for (answer, id) in answers.into_iter().zip(ids) {
            let _ = answer.send(id);
        }
    }
}

async fn notify(Path(user): Path<String>, State(glue): State<Glue>, body: Bytes) -> Response {
    let Ok(says) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if !says["title"].is_string() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let (answer, answered) = oneshot::channel();
    let row = Row { user, says };
    if glue.waiting.send(Waiting { row, answer }).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answered.await {
        Ok(id) => (StatusCode::CREATED, as_json(json!({ "id": id }))).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn count(Path(user): Path<String>, State(glue): State<Glue>) -> Response {
    match glue.counters.unread(&user).await {
        Ok(count) => as_json(json!({ "count": count })).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn list(Path(user): Path<String>, State(glue): State<Glue>) -> Response {
    let Ok(unread) = glue.counters.unread(&user).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let reader = glue.reader.clone().lock_owned().await;
    match tokio::task::spawn_blocking(move || reader.newest(&user, 50)).await {
        Ok(Ok(items)) => as_json(json!({ "items": items, "unread": unread })).into_response(),
        Ok(Err(_)) | Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn as_json(value: Value) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string())
}
