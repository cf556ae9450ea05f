//! What most would write: axum's `Sse` response over a tokio broadcast channel, on one thread.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::{Stream, StreamExt};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

type Channel = broadcast::Sender<String>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).ok_or_else(|| std::io::Error::other("usage: axum_sse ADDRESS"))?;
    // Room for every window that is measured, so that nobody lags.
    let channel = broadcast::Sender::new(4_096);
    let router = axum::Router::new().route("/events/bench", get(subscribe).post(publish)).with_state(channel);
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await
}

async fn subscribe(State(channel): State<Channel>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = BroadcastStream::new(channel.subscribe());
    Sse::new(events.filter_map(|data| async { data.ok().map(|data| Ok(Event::default().data(data))) }))
}

async fn publish(State(channel): State<Channel>, body: String) -> &'static str {
    // Fails when nobody listens, which is no error.
    let _ = channel.send(body);
    "ok"
}
