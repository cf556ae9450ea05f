//! Access that ends.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tidings_http::grants::Access;
use tidings_http::{AccessSettings, HttpConfig};

use crate::said::Said;
use crate::support::tokens::{rules, token_of, verifier};
use crate::transport::Transport;
use crate::world::{BOTH, Cell, World};

/// The hub's clock stands at one hour.
fn with_tokens(config: &mut HttpConfig) {
    let access = Access { tokens: Some(verifier(rules())), ..Access::default() };
    config.access = Some(Arc::new(AccessSettings { access, ..AccessSettings::default() }));
    config.heartbeat = Duration::from_millis(200);
}

/// A token that ends at this second.
fn token(exp: u64) -> String {
    token_of(&json!({"sub": "u1", "exp": exp, "tidings": {"subscribe": ["a", "b"]}}))
}

pub(crate) async fn ends(cell: Cell) {
    let world = World::with(cell, with_tokens).await;
    world.publish("a", &["1"]).await;
    let mut subscriber = world.subscriber(BOTH).at("1-0");
    subscriber.wanted.token = Some(token(3_601));
    subscriber.expect(1, "a", "1").await;
    if cell.transport.is_finite() {
        subscriber.rest().await;
    }
    if cell.transport.waits() {
        subscriber.begin();
        world.until_there_are(1).await;
    }

    world.scene.clock.set(3_601_000);

    // In the answer that was open, if there was one, and then by the status of the next.
    let mut told = Vec::new();
    while !told.iter().any(|said| matches!(said, Said::Refused(_))) {
        told.extend(subscriber.rest().await);
        assert!(told.len() < 100, "{told:?}");
    }
    assert_eq!(told.last(), Some(&Said::Refused(401)), "{told:?}");
    assert!(!told.iter().any(|said| matches!(said, Said::Event { .. })), "{told:?}");
    let is_told = told.contains(&Said::Expired);
    assert_eq!(is_told, !matches!(cell.transport, Transport::Poll | Transport::Page), "{told:?}");
    let code = told.iter().find(|said| matches!(said, Said::Closed(_)));
    assert_eq!(code, (cell.transport == Transport::WebSocket).then_some(&Said::Closed(4_100)), "{told:?}");

    world.publish("b", &["2"]).await;
    subscriber.wanted.token = Some(token(7_200));
    subscriber.expect(2, "b", "2").await;
}
