//! One of those that are compared.

use crate::inputs::Input;

/// A name, and what it does with an input. Returns events and bytes of their data.
pub type Contender = (&'static str, fn(&Input) -> (usize, usize));
