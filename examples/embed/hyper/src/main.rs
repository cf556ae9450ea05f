//! The hub's responses in a hyper server: `cargo run -p embed-hyper`, then open two windows. See ../README.md.

#![allow(clippy::print_stderr, reason = "an example says where it listens in the shortest way")]

use std::sync::{Arc, atomic::AtomicU64, atomic::Ordering};

use http_body_util::{BodyExt, Limited};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, rt::TokioTimer, server::graceful::GracefulShutdown};
use tidings_http::core::{DraftFields, Hub, Limits, MemoryStore, Topic, memory::MemoryRetention};
use tidings_http::{Body, Front, HttpConfig, Pages, SystemClock, random_epoch};
use tokio::{net::TcpListener, signal::unix::SignalKind, signal::unix::signal};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
type Shared = (Front, Arc<AtomicU64>);

#[tokio::main]
async fn main() -> Result<()> {
    let store = MemoryStore::new(random_epoch()?, Arc::new(SystemClock), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await?;
    let front = Front::new(hub.clone(), HttpConfig::default(), Pages::default(), Arc::new(SystemClock));
    let shared: Shared = (front.clone(), Arc::default());
    let service = service_fn(move |request| answer(shared.clone(), request));
    let listener = TcpListener::bind(std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:3000")).await?;
    eprintln!("listening on http://{}/", listener.local_addr()?);
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (mut server, connections) = (http1::Builder::new(), GracefulShutdown::new());
    let server = server.timer(TokioTimer::new());
    let accept = async |listener: TcpListener| loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(connections.watch(server.serve_connection(TokioIo::new(stream), service.clone())));
    };
    tokio::select! { () = accept(listener) => {}, _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    front.begin_drain();
    tokio::select! { () = connections.shutdown() => {}, () = front.drain_overdue() => {} }
    Ok(hub.close().await?)
}

/// Leaves to the hub what begins with `/hub`.
async fn answer((front, notes): Shared, mut request: Request<Incoming>) -> Result<Response<Body>> {
    if let Some(Ok(uri)) = request.uri().to_string().strip_prefix("/hub").map(str::parse) {
        *request.uri_mut() = uri;
        return Ok(front.handle(request).await);
    }
    let answer = match (request.method().as_str(), request.uri().path()) {
        ("GET", "/") => Ok((200, include_str!("../../page.html").to_owned())),
        ("POST", "/notes") => note(front.hub(), &notes, request).await,
        _ => Ok((404, "there is nothing here".to_owned())),
    };
    let (status, text) = answer.unwrap_or_else(|error| (400, error.to_string()));
    let response = Response::builder().status(status).header("content-type", "text/html; charset=utf-8");
    Ok(response.body(text.into())?)
}

/// Numbers a note and publishes it.
async fn note(hub: &Hub, notes: &AtomicU64, request: Request<Incoming>) -> Result<(u16, String)> {
    let text = Limited::new(request, 65_536).collect().await?.to_bytes();
    let text = format!("{}: {}", notes.fetch_add(1, Ordering::Relaxed) + 1, std::str::from_utf8(&text)?);
    let draft = hub.draft(Topic::parse("notes")?, text.into(), DraftFields::default())?;
    Ok(hub.publish(draft).await.map_or_else(|error| (503, error.to_string()), |event| (200, event.id)))
}
