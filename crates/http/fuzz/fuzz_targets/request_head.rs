//! See `check/request_head.rs`.
#![no_main]

#[path = "../check/request_head.rs"]
mod request_head;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| request_head::check(bytes));
