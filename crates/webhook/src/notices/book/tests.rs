use tidings_http::core::Selector;

use super::*;

const DEBOUNCE: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(1);

struct Scene {
    book: Book,
    now: Instant,
}

fn scene() -> Scene {
    Scene { book: Book::new(DEBOUNCE), now: Instant::now() }
}

fn stream(id: u64, user: Option<&str>, address: u8, topics: &[&str]) -> Stream {
    let selectors = topics.iter().map(|topic| Selector::parse(topic).unwrap());
    Stream {
        connection: ConnectionId::new(id),
        user: user.map(Into::into),
        address: Some(IpAddr::from([192, 0, 2, address])),
        selectors: Selectors::new(selectors).unwrap(),
    }
}

impl Scene {
    fn join(&mut self, stream: Stream) -> u64 {
        self.book.join(stream, UnixMillis(0), self.now)
    }

    fn leave(&mut self, id: u64) -> u64 {
        self.book.leave(ConnectionId::new(id), "drain", UnixMillis(0), self.now)
    }

    fn passes(&mut self, time: Duration) {
        self.now += time;
    }

    /// What is to be sent after a while: `+` or `-` and the id, of each.
    fn told(&mut self) -> Vec<String> {
        let Some(mut taken) = self.book.take(self.now) else {
            self.now += NOTICES_BATCH_WAIT;
            return shown(self.book.take(self.now).unwrap_or_default());
        };
        taken.notices.truncate(10);
        shown(taken)
    }
}

fn shown(taken: Taken) -> Vec<String> {
    let sign = |notice: &Notice| match notice.happened {
        Happened::Connect => '+',
        Happened::Change => '~',
        Happened::Disconnect(_) => '-',
    };
    taken.notices.iter().map(|notice| format!("{}{}", sign(notice), notice.connection)).collect()
}

#[test]
fn a_stream_that_comes_back_in_time_is_no_notice_and_its_end_names_the_id_that_was_told() {
    let mut scene = scene();
    scene.join(stream(1, Some("ada"), 1, &["a", "b"]));
    assert_eq!(scene.told(), ["+1"]);

    for id in 1..5 {
        scene.leave(id);
        scene.passes(DEBOUNCE - MOMENT);
        // From another network.
        scene.join(stream(id + 1, Some("ada"), 2, &["b", "a"]));
    }
    scene.passes(DEBOUNCE);
    assert_eq!(scene.told(), [""; 0]);

    scene.leave(5);
    scene.passes(DEBOUNCE - MOMENT);
    assert_eq!(scene.book.take(scene.now).map(shown), None);
    scene.passes(MOMENT);
    assert_eq!(scene.told(), ["-1"]);
    scene.join(stream(6, Some("ada"), 2, &["b", "a"]));
    assert_eq!(scene.told(), ["+6"]);
    assert_eq!((scene.book.bytes, scene.book.waiting(), scene.book.away_of.len()), (0, 0, 0));
}

#[test]
fn a_stream_takes_the_place_of_one_with_its_user_and_selectors_or_without_a_user_its_address() {
    let ada = || stream(1, Some("ada"), 1, &["a"]);
    let nobody = || stream(1, None, 1, &["a"]);
    for (before, after, is_same) in [
        (ada(), stream(2, Some("ada"), 2, &["a"]), true),
        (ada(), stream(2, Some("bob"), 1, &["a"]), false),
        (ada(), stream(2, Some("ada"), 1, &["a", "b"]), false),
        (ada(), stream(2, None, 1, &["a"]), false),
        (nobody(), stream(2, None, 1, &["a"]), true),
        (nobody(), stream(2, None, 2, &["a"]), false),
        (nobody(), stream(2, Some("ada"), 1, &["a"]), false),
    ] {
        let mut scene = scene();
        let what = format!("{before:?} {after:?}");
        scene.join(before);
        scene.leave(1);
        scene.join(after);

        let expected: &[_] = if is_same { &["+1"] } else { &["+1", "+2"] };
        assert_eq!(scene.told(), expected, "{what}");
        scene.passes(DEBOUNCE);
        let expected: &[_] = if is_same { &[] } else { &["-1"] };
        assert_eq!(scene.told(), expected, "{what}");
    }
}

#[test]
fn of_several_streams_of_one_user_as_many_are_told_to_end_as_do_not_come_back() {
    let mut scene = scene();
    for id in 1..=4 {
        scene.join(stream(id, Some("ada"), 1, &["a"]));
    }
    assert_eq!(scene.told(), ["+1", "+2", "+3", "+4"]);

    for id in 1..=4 {
        scene.leave(id);
        scene.passes(MOMENT);
    }
    for id in 5..=6 {
        scene.join(stream(id, Some("ada"), 1, &["a"]));
    }
    scene.passes(DEBOUNCE);

    assert_eq!(scene.told(), ["-1", "-2"]);
    scene.leave(5);
    scene.leave(6);
    scene.passes(DEBOUNCE);
    assert_eq!(scene.told(), ["-4", "-3"]);
    assert_eq!(scene.book.bytes, 0);
}

#[test]
fn the_first_of_a_batch_waits_for_others_and_a_full_batch_does_not_wait() {
    let mut scene = scene();
    assert_eq!(scene.book.due(), None);
    scene.join(stream(0, None, 1, &["a"]));
    let since = scene.now;
    scene.passes(NOTICES_BATCH_WAIT - MOMENT);
    scene.join(stream(1, None, 2, &["a"]));
    assert_eq!(scene.book.due(), Some(since + NOTICES_BATCH_WAIT));
    assert!(scene.book.take(scene.now).is_none());

    let many = NOTICES_BATCH_MAX as u64;
    for id in 2..=many {
        scene.join(stream(id, None, 3, &["a"]));
    }

    assert!(scene.book.due().unwrap() <= scene.now);
    assert_eq!(scene.book.take(scene.now).map(|taken| taken.notices.len()), Some(NOTICES_BATCH_MAX));
    // The one that is left waits for others again.
    assert_eq!(scene.book.due(), Some(scene.now + NOTICES_BATCH_WAIT));
    assert_eq!(scene.told(), [format!("+{}", ConnectionId::new(many))]);
}

#[test]
fn a_batch_is_bounded_in_bytes_and_has_at_least_one_notice() {
    let long = |id| {
        let topics: Vec<_> = (0..100).map(|at| format!("{at:0>200}")).collect();
        stream(id, None, 1, &topics.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut scene = scene();
    for id in 0..30 {
        scene.join(long(id));
    }
    scene.passes(NOTICES_BATCH_WAIT);

    let taken = scene.book.take(scene.now).unwrap();

    let bytes: usize = taken.notices.iter().map(Notice::bytes).sum();
    assert!(bytes <= NOTICES_BATCH_BYTES_MAX && bytes + long(0).bytes() > NOTICES_BATCH_BYTES_MAX, "{bytes}");
}

#[test]
fn if_there_are_too_many_the_oldest_are_left_out_and_the_next_batch_says_how_many() {
    let mut scene = scene();
    let room = (NOTICES_BYTES_MAX / stream(0, None, 1, &["a"]).bytes()) as u64;
    let mut left_out = 0;
    for id in 0..room {
        left_out += scene.join(stream(id, None, 1, &["a"]));
    }
    assert_eq!(left_out, 0);

    left_out += scene.join(stream(room, None, 1, &["a"]));
    // One that may come back counts, too.
    left_out += scene.leave(room);

    assert_eq!(left_out, 2);
    scene.passes(NOTICES_BATCH_WAIT);
    let taken = scene.book.take(scene.now).unwrap();
    assert_eq!((taken.dropped, taken.notices[0].connection), (2, ConnectionId::new(2)));
    assert_eq!(scene.book.take(scene.now + NOTICES_BATCH_WAIT).unwrap().dropped, 0, "it is told once");
    assert!(scene.book.bytes <= NOTICES_BYTES_MAX);
}

#[test]
fn where_only_streams_that_may_come_back_wait_the_oldest_of_them_are_left_out() {
    let mut scene = scene();
    let room = (NOTICES_BYTES_MAX / stream(0, None, 1, &["a"]).bytes()) as u64;
    for id in 0..=room {
        scene.book.here.insert(ConnectionId::new(id), stream(id, None, 1, &["a"]));
    }

    // What is to be told already is older.
    scene.join(stream(room + 1, None, 1, &["b"]));

    let left_out: u64 = (0..=room).map(|id| scene.leave(id)).sum();

    assert_eq!((left_out, scene.book.waiting()), (2, room));
    assert!(scene.book.take(scene.now + NOTICES_BATCH_WAIT).is_none(), "no batch without a notice");
    scene.passes(DEBOUNCE);
    let taken = scene.book.take_at_end(scene.now).unwrap();
    assert_eq!((taken.dropped, taken.notices[0].connection), (2, ConnectionId::new(1)));
}

#[test]
fn a_crowd_that_has_gone_is_counted_piece_by_piece() {
    let mut scene = scene();
    let many = 2 * NOTICES_BATCH_MAX as u64;
    for id in 0..many {
        scene.book.here.insert(ConnectionId::new(id), stream(id, None, 1, &["a"]));
    }
    for id in 0..many {
        scene.leave(id);
    }
    scene.passes(DEBOUNCE);

    for piece in 0..2 {
        assert!(scene.book.due().unwrap() <= scene.now, "{piece}");
        let taken = scene.book.take(scene.now).unwrap();
        assert_eq!(taken.notices.len(), NOTICES_BATCH_MAX, "{piece}");
        assert_eq!(scene.book.away.len(), NOTICES_BATCH_MAX * (1 - piece), "{piece}");
    }
    assert_eq!(scene.book.due(), None);
}

#[test]
fn at_the_end_nothing_waits() {
    let mut scene = scene();
    scene.join(stream(1, Some("ada"), 1, &["a"]));
    scene.leave(1);

    let taken = scene.book.take_at_end(scene.now).map(shown);

    assert_eq!(taken, Some(vec!["+1".to_owned(), "-1".to_owned()]));
    assert!(scene.book.take_at_end(scene.now).is_none());
}

#[test]
fn a_stream_that_nobody_knows_leaves_without_a_notice() {
    let mut scene = scene();

    scene.leave(7);

    assert_eq!((scene.book.due(), scene.book.waiting()), (None, 0));
}

#[test]
fn a_stream_that_comes_after_the_debounce_is_another_one_also_before_the_end_was_told() {
    let mut scene = scene();
    scene.join(stream(1, Some("ada"), 1, &["a"]));
    assert_eq!(scene.told(), ["+1"]);
    scene.leave(1);
    scene.passes(DEBOUNCE);

    scene.join(stream(2, Some("ada"), 1, &["a"]));

    let mut told = scene.told();
    told.sort();
    assert_eq!(told, ["+2", "-1"]);
}

#[test]
fn what_is_left_out_of_the_queue_takes_no_room_and_who_is_away_may_come_back() {
    let mut scene = scene();
    scene.join(stream(1, Some("ada"), 1, &["a"]));
    scene.join(stream(2, Some("bob"), 1, &["a"]));
    scene.leave(2);

    assert_eq!(scene.book.empty_queue(), 2);

    assert_eq!((scene.book.waiting(), scene.book.due().is_some()), (1, true));
    scene.join(stream(3, Some("bob"), 1, &["a"]));
    assert_eq!((scene.book.bytes, scene.book.due(), scene.told()), (0, None, vec![]));
}

#[test]
fn a_stream_that_reads_something_else_is_told_under_its_id_and_its_end_names_what_it_read_last() {
    let mut scene = scene();
    scene.join(stream(1, Some("ada"), 1, &["a"]));
    assert_eq!(scene.told(), ["+1"]);
    let now = scene.now;
    let change = |book: &mut Book, id, user: Option<&str>, topics: &[&str]| {
        let Stream { user, selectors, .. } = stream(id, user, 1, topics);
        book.change(ConnectionId::new(id), user.as_ref(), &selectors, UnixMillis(0), now)
    };

    change(&mut scene.book, 1, Some("ada"), &["a"]);
    change(&mut scene.book, 7, Some("ada"), &["a"]);
    assert_eq!(scene.told(), [""; 0], "nothing is news there, and nobody has that id");
    change(&mut scene.book, 1, Some("ada"), &["a", "b"]);
    assert_eq!(scene.told(), ["~1"]);

    // One that comes back with what the other read last takes its place, and is told of under the id that the backend knows.
    scene.leave(1);
    scene.join(stream(2, Some("ada"), 1, &["b", "a"]));
    change(&mut scene.book, 2, Some("ada"), &["b"]);
    assert_eq!(scene.told(), ["~1"]);
    scene.leave(2);
    scene.passes(DEBOUNCE);
    scene.passes(NOTICES_BATCH_WAIT);
    let last = scene.book.take_at_end(scene.now).unwrap().notices;
    assert_eq!(last[0].selectors, stream(1, None, 1, &["b"]).selectors);
    assert_eq!(shown(Taken { notices: last, dropped: 0 }), ["-1"]);
}
