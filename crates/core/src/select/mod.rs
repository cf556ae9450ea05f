//! What a subscriber asks for.

mod contains;
pub mod index;
pub mod literals;
pub mod pattern;
pub mod selector;
pub mod selectors;

pub use index::PatternIndex;
pub use literals::Literals;
pub use pattern::Pattern;
pub use selector::Selector;
pub use selectors::{Selectors, SelectorsError};
