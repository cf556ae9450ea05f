//! Cases 12 and 13: messages that are compressed, of many sizes, whole and in fragments, for each way to offer that. A case has ten
//! messages, of the suite's thousand.

use crate::case::{Heard, fragmented, hear_all, publish};
use crate::support::scene::Scene;
use crate::support::websocket::{WebSocket, deflated, masked};

const MESSAGES: usize = 10;

/// Bytes of a text, and of a fragment at most.
const SIZES: [(usize, usize); 18] = [
    (16, 0),
    (64, 0),
    (256, 0),
    (1_024, 0),
    (4_096, 0),
    (8_192, 0),
    (16_384, 0),
    (32_768, 0),
    (65_536, 0),
    (131_072, 0),
    (8_192, 256),
    (16_384, 256),
    (32_768, 256),
    (65_536, 256),
    (131_072, 256),
    (131_072, 1_024),
    (131_072, 4_096),
    (131_072, 32_768),
];

/// The offers of 12, which leaves all to the hub, and of 13.1 to 13.7; and whether the hub takes one. It does not compress with a smaller
/// window.
const OFFERS: [(&str, &str, bool); 8] = [
    ("12.1", "permessage-deflate; client_max_window_bits", true),
    ("13.1", "permessage-deflate; client_max_window_bits", true),
    ("13.2", "permessage-deflate; client_max_window_bits; server_no_context_takeover", true),
    ("13.3", "permessage-deflate; client_max_window_bits; server_max_window_bits=9", false),
    ("13.4", "permessage-deflate; client_max_window_bits; server_max_window_bits=15", true),
    (
        "13.5",
        "permessage-deflate; client_max_window_bits; server_no_context_takeover; server_max_window_bits=9",
        false,
    ),
    (
        "13.6",
        "permessage-deflate; client_max_window_bits; server_no_context_takeover; server_max_window_bits=15",
        true,
    ),
    (
        "13.7",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, permessage-deflate; \
         server_no_context_takeover, permessage-deflate",
        true,
    ),
];

/// Passes all of them, and says how many they are.
pub(crate) async fn pass(scene: &Scene) -> usize {
    for (number, offer, is_taken) in OFFERS {
        for (at, (size, fragment)) in SIZES.into_iter().enumerate() {
            let case = format!("{number}.{}", at + 1);
            let extension = format!("sec-websocket-extensions: {offer}\r\n");
            let mut socket = WebSocket::open(scene, "/events/echo", &extension).await;
            assert_eq!(socket.head.contains("permessage-deflate"), is_taken, "case {case}");
            socket.json().await;
            for message in 0..MESSAGES {
                let data = text(size, message);
                socket.wire.send(frames(&publish(&data), fragment, is_taken)).await;
                hear_all(&case, &mut socket, vec![Heard::Published, Heard::Event(data)]).await;
            }
            socket.wire.send(masked(0x88, b"\x03\xe8")).await;
            assert_eq!(socket.close_code().await, Some(1_000), "case {case}");
        }
    }
    OFFERS.len() * SIZES.len()
}

/// Text of exactly this many bytes that becomes smaller.
fn text(size: usize, number: usize) -> String {
    let mut text: String = (0..size / 8 + 1).map(|word| format!("word {} ", word * 7 + number)).collect();
    text.truncate(size);
    text
}

/// A message, compressed or not, in frames of at most so many bytes; 0 is one frame.
fn frames(message: &[u8], fragment: usize, is_compressed: bool) -> Vec<u8> {
    let (opcode, payload) = match is_compressed {
        true => (0x41, deflated(message)),
        false => (0x01, message.to_vec()),
    };
    let length = if fragment == 0 { payload.len() } else { fragment };
    fragmented(opcode, &payload, length)
}
