//! The hub as a router in an axum server: `cargo run -p embed-axum`, then open two windows. See ../README.md.

#![allow(clippy::print_stderr, reason = "an example says where it listens in the shortest way")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::routing::{get, post};
use axum::{Router, extract::State, http::StatusCode, response::Html};
use tidings_http::core::memory::MemoryRetention;
use tidings_http::core::{DraftFields, Hub, Limits, MemoryStore, Topic};
use tidings_http::{Front, HttpConfig, Pages, SystemClock, random_epoch};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Clone)]
struct App {
    hub: Hub,
    notes: Arc<AtomicU64>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = MemoryStore::new(random_epoch()?, Arc::new(SystemClock), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await?;
    let front = Front::new(hub.clone(), HttpConfig::default(), Pages::default(), Arc::new(SystemClock));
    let page = get(|| async { Html(include_str!("../../page.html")) });
    let state = App { hub: hub.clone(), notes: Arc::default() };
    let app = Router::new().route("/", page).route("/notes", post(note)).with_state(state);
    let app = app.nest("/hub", front.router());

    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}/", listener.local_addr()?);
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let ending = front.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        ending.begin_drain();
    });
    tokio::select! {
        served = server => served?,
        () = front.drain_overdue() => eprintln!("cutting off who does not leave"),
    }
    Ok(hub.close().await?)
}

/// Numbers a note and publishes it.
async fn note(State(app): State<App>, text: String) -> Result<String, (StatusCode, String)> {
    let number = app.notes.fetch_add(1, Ordering::Relaxed) + 1;
    let (topic, text) = (Topic::parse("notes").expect("it is a topic"), format!("{number}: {text}"));
    let draft = app.hub.draft(topic, text.into(), DraftFields::default());
    let draft = draft.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let published = app.hub.publish(draft).await;
    Ok(published.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?.id)
}
