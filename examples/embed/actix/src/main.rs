//! The hub's responses in an actix-web server: `cargo run -p embed-actix`, then open two windows. See ../README.md.

#![allow(clippy::print_stderr, reason = "an example says where it listens in the shortest way")]

use std::sync::{Arc, atomic::AtomicU64, atomic::Ordering};

use actix_web::error::{ErrorBadRequest, ErrorInternalServerError, ErrorServiceUnavailable};
use actix_web::web::{Data, Html, Payload, get, post, scope, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Result, http::StatusCode};
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, StreamBody};
use tidings_http::core::{DraftFields, Hub, Limits, MemoryStore, Topic, memory::MemoryRetention};
use tidings_http::{Front, HttpConfig, Pages, SystemClock, random_epoch};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = MemoryStore::new(random_epoch()?, Arc::new(SystemClock), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await?;
    let front = Front::new(hub.clone(), HttpConfig::default(), Pages::default(), Arc::new(SystemClock));
    let (shared, notes) = (Data::new(front.clone()), Data::new(AtomicU64::new(0)));
    let app = move || {
        let page = get().to(async || Html::new(include_str!("../../page.html")));
        let app = App::new().app_data(shared.clone()).app_data(notes.clone());
        app.route("/", page)
            .route("/notes", post().to(note))
            .service(scope("/hub").default_service(to(answer)))
    };
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let server = HttpServer::new(app).bind(std::env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned()))?;
    eprintln!("listening on http://{}/", server.addrs()[0]);
    let asked = async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        front.begin_drain();
    };
    // A subscriber that has closed its half has left.
    server.h1_allow_half_closed(false).shutdown_signal(asked).shutdown_timeout(8).run().await?;
    Ok(hub.close().await?)
}

/// Numbers a note and publishes it.
async fn note(front: Data<Front>, notes: Data<AtomicU64>, text: String) -> Result<String> {
    let text = format!("{}: {text}", notes.fetch_add(1, Ordering::Relaxed) + 1).into();
    let topic = Topic::parse("notes").map_err(ErrorBadRequest)?;
    let draft = front.hub().draft(topic, text, DraftFields::default()).map_err(ErrorBadRequest)?;
    Ok(front.hub().publish(draft).await.map_err(ErrorServiceUnavailable)?.id)
}

/// Passes a request on to the hub, and its answer back. actix-web has types of its own for both.
async fn answer(front: Data<Front>, request: HttpRequest, payload: Payload) -> Result<HttpResponse> {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let head = http::Request::builder().method(request.method().as_str());
    let head = head.uri(target.strip_prefix("/hub").unwrap_or(target));
    let head = request.headers().iter().fold(head, |head, (n, v)| head.header(n.as_str(), v.as_bytes()));
    let body = StreamBody::new(payload.map_ok(http_body::Frame::data));
    let response = front.handle(head.body(body).map_err(ErrorBadRequest)?).await;
    let status = StatusCode::from_u16(response.status().as_u16()).map_err(ErrorInternalServerError)?;
    let (mut answer, headers) = (HttpResponse::build(status), response.headers());
    headers.iter().fold(&mut answer, |answer, (n, v)| answer.append_header((n.as_str(), v.as_bytes())));
    Ok(answer.streaming(response.into_body().into_data_stream()))
}
