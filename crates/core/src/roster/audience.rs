//! An audience: the users that receive the events of a topic, in pages.

use std::collections::BTreeMap;

use super::session::{Session, User};

/// The subscribers of a topic, counted by one carrier after the other. Of the users it keeps the first ones after a name,
/// so that its size has a bound.
#[derive(Debug)]
pub struct Audience {
    connections: usize,
    /// Their connections.
    users: BTreeMap<User, usize>,
    after: Option<User>,
    users_max: usize,
}

/// A page of an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudiencePage {
    /// All connections, also those of no user and those of users on other pages.
    pub connections: usize,
    /// Users in the order of their names, and the number of their connections.
    pub users: Vec<(User, usize)>,
    /// Whether there are more users after the last of them.
    pub more: bool,
}

impl Audience {
    /// An audience of nobody, for the first users after one.
    pub fn new(after: Option<User>, users_max: usize) -> Self {
        Self { connections: 0, users: BTreeMap::new(), after, users_max }
    }

    /// Counts a subscriber.
    pub fn add(&mut self, session: Option<&Session>) {
        self.connections += 1;
        if let Some(user) = session.and_then(|session| session.user.as_ref()) {
            self.count(user, 1);
        }
    }

    /// Counts those that another carrier has counted.
    pub fn merge(&mut self, other: Self) {
        self.connections += other.connections;
        for (user, connections) in &other.users {
            self.count(user, *connections);
        }
    }

    pub(super) fn into_page(mut self, limit: usize) -> AudiencePage {
        let more = self.users.len() > limit;
        while self.users.len() > limit {
            self.users.pop_last();
        }
        AudiencePage { connections: self.connections, users: self.users.into_iter().collect(), more }
    }

    /// A user that is left out, since there are enough before it, comes after all that are kept in the end.
    fn count(&mut self, user: &User, connections: usize) {
        if let Some(count) = self.users.get_mut(user) {
            *count += connections;
            return;
        }
        let is_on_page = self.after.as_ref().is_none_or(|after| user > after);
        let has_room = self.users.len() < self.users_max
            || self.users.last_key_value().is_some_and(|(last, _)| user < last);
        if is_on_page && has_room {
            self.users.insert(user.clone(), connections);
            if self.users.len() > self.users_max {
                self.users.pop_last();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_user(user: &str) -> Session {
        Session { user: Some(user.into()), ..Session::default() }
    }

    #[test]
    fn the_first_users_are_counted_whatever_the_order_in_which_they_come() {
        let names = ["c", "a", "e", "b", "a", "d", "e", "b", "a"];
        for turn in 0..names.len() {
            let (mut one, mut other) = (Audience::new(None, 3), Audience::new(None, 3));
            one.add(None);
            for (number, name) in names.iter().cycle().skip(turn).take(names.len()).enumerate() {
                let audience = if number % 2 == 0 { &mut one } else { &mut other };
                audience.add(Some(&of_user(name)));
            }
            one.merge(other);

            let page = one.into_page(2);

            let users = vec![("a".into(), 3), ("b".into(), 2)];
            assert_eq!(page, AudiencePage { connections: 10, users, more: true }, "from {turn} on");
        }
    }

    #[test]
    fn a_page_goes_on_after_a_name_that_may_have_left() {
        let mut audience = Audience::new(Some("bb".into()), 3);
        for name in ["a", "b", "c", "d"] {
            audience.add(Some(&of_user(name)));
        }

        let page = audience.into_page(2);

        assert_eq!(page.users, [("c".into(), 1), ("d".into(), 1)]);
        assert_eq!((page.connections, page.more), (4, false));
    }
}
