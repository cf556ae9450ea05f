//! See `check/websocket.rs`.
#![no_main]

#[path = "../check/websocket.rs"]
mod websocket;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| websocket::check(bytes));
