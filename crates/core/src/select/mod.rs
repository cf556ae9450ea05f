//! What a subscriber asks for.

pub mod literals;
pub mod selector;

pub use literals::Literals;
pub use selector::{Pattern, Selector, Selectors, SelectorsError};
