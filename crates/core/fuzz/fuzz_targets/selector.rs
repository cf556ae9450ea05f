//! See `check/selector.rs`.
#![no_main]

#[path = "../check/selector.rs"]
mod selector;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| selector::check(bytes));
