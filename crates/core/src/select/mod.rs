//! What a subscriber asks for.

pub(crate) mod index;
pub mod selector;

pub use selector::{Pattern, Selector, Selectors, SelectorsError};
