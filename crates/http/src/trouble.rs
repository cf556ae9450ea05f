//! What is wrong with a hub that goes on serving, as `/readyz` tells it.

use std::sync::OnceLock;

/// Something that is wrong with a hub while it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A word for programs, in kebab case. It stays the same.
    pub name: &'static str,
    /// What is wrong, for people, in one line.
    pub text: String,
}

/// Looks whether anything is wrong, if the program has said how.
#[derive(Default)]
pub(crate) struct Troubles(OnceLock<Look>);

type Look = Box<dyn Fn() -> Vec<Trouble> + Send + Sync>;

impl Troubles {
    /// The first one that is given stays.
    pub(crate) fn look_by(&self, look: impl Fn() -> Vec<Trouble> + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(look));
    }

    pub(crate) fn now(&self) -> Vec<Trouble> {
        self.0.get().map(|look| look()).unwrap_or_default()
    }
}
