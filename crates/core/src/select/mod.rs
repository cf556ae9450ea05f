//! What a subscriber asks for.

pub mod selector;

pub use selector::{Pattern, Selector, Selectors, SelectorsError};
