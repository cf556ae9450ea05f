//! Selectors that are allowed, and whether they cover what is asked for.

use std::collections::HashSet;
use std::sync::Arc;

use tidings_core::Selector;

use crate::limits::TRIED_ONE_BY_ONE_MAX;

/// Lists of selectors. A selector is covered if one of them contains it: two that contain it together do not.
///
/// Cloning shares the lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed(Vec<Arc<[Selector]>>);

impl Allowed {
    /// Nothing.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// These, and what they contain.
    pub fn new(selectors: impl IntoIterator<Item = Selector>) -> Self {
        let list: Arc<[Selector]> = selectors.into_iter().collect();
        if list.is_empty() { Self::nothing() } else { Self(vec![list]) }
    }

    /// What this allows, and what another allows.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    /// Whether one of them contains a selector.
    pub fn covers(&self, asked: &Selector) -> bool {
        self.iter().any(|allowed| allowed.contains(asked))
    }

    /// Those of the selectors that are not covered, in their order.
    pub fn uncovered<'a>(&self, asked: impl IntoIterator<Item = &'a Selector>) -> Vec<&'a Selector> {
        let asked: Vec<_> = asked.into_iter().collect();
        if asked.len() <= TRIED_ONE_BY_ONE_MAX {
            return asked.into_iter().filter(|asked| !self.covers(asked)).collect();
        }
        // A thousand topics against a thousand of them would be a million comparisons.
        let (topics, patterns): (Vec<_>, Vec<_>) = self.iter().partition(|allowed| allowed.topic().is_some());
        let topics: HashSet<_> = topics.into_iter().collect();
        let is_covered = |asked: &Selector| {
            topics.contains(asked) || patterns.iter().any(|allowed| allowed.contains(asked))
        };
        asked.into_iter().filter(|asked| !is_covered(asked)).collect()
    }

    /// What is covered of a selector: all of it, or else those that are allowed of what it contains.
    pub fn covered_part<'a>(&'a self, asked: &'a Selector) -> impl Iterator<Item = &'a Selector> {
        let whole = self.covers(asked).then_some(asked);
        let within = self.iter().filter(move |allowed| whole.is_none() && asked.contains(allowed));
        whole.into_iter().chain(within)
    }

    /// Whether nothing at all is allowed.
    pub fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Selector> {
        self.0.iter().flat_map(|list| list.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(text: &str) -> Selector {
        Selector::parse(text).unwrap()
    }

    #[test]
    fn one_selector_must_contain_what_is_asked_for() {
        let allowed = Allowed::new([selector("a/b"), selector("a/*")]).and(&Allowed::new([selector("b/**")]));

        for asked in ["a/b", "a/c", "a/*", "b", "b/*/c"] {
            assert!(allowed.covers(&selector(asked)), "{asked}");
        }
        // `a/**` is more than `a/*`, and no two of them together count.
        let asked = ["a/**", "a/b", "c", "*/b"].map(selector);
        let uncovered: Vec<_> = allowed.uncovered(&asked).into_iter().map(Selector::as_str).collect();
        assert_eq!(uncovered, ["a/**", "c", "*/b"]);
        assert!(!Allowed::nothing().covers(&selector("a")));
    }

    #[test]
    fn the_covered_part_is_the_whole_or_what_is_allowed_within() {
        let allowed = Allowed::new(["orders/*", "orders/9", "users/u1/**", "inbox/u1"].map(selector));
        let part = |asked: &str| {
            let asked = selector(asked);
            allowed.covered_part(&asked).map(|part| part.as_str().to_owned()).collect::<Vec<_>>()
        };

        assert_eq!(part("orders/7"), ["orders/7"]);
        assert_eq!(part("orders/*"), ["orders/*"]);
        assert_eq!(part("users/**"), ["users/u1/**"]);
        assert_eq!(part("orders/**"), ["orders/*", "orders/9"]);
        // A wildcard in the first segment contains no reserved topic.
        assert_eq!(part("**"), ["orders/*", "orders/9", "users/u1/**"]);
        // They have topics in common, and neither contains the other.
        assert_eq!(part("*/9"), ["orders/9"]);
        assert_eq!(part("*/u1/mail"), [""; 0]);
    }

    #[test]
    fn what_is_not_covered_is_the_same_however_many_are_asked_for() {
        let selector = |text: &str| Selector::parse(text).unwrap();
        let allowed =
            Allowed::new(["a/1", "b/*", "c/**", "d"].map(selector)).and(&Allowed::new([selector("e")]));
        let asked: Vec<_> =
            ["a/1", "a/2", "b/1", "b/1/2", "b/*", "b/**", "c/x/y", "c/*", "d", "d/1", "e", "*"]
                .map(selector)
                .into();

        let one_by_one: Vec<_> = asked.iter().filter(|asked| !allowed.covers(asked)).collect();

        assert!(asked.len() > TRIED_ONE_BY_ONE_MAX);
        assert_eq!(allowed.uncovered(&asked), one_by_one);
        assert_eq!(allowed.uncovered(&asked[..3]), [&asked[1]]);
    }
}
