//! Tests of frames, of encodings in use, and of what the window counts and cuts off.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};

use crate::event::{Cursor, Draft, DraftParts, Epoch, Event, Sequence, Topic, UnixMillis};
use crate::limits::{FRAME_CHUNK_BYTES, FRAME_OVERHEAD_BYTES};
use crate::live::encoding::Encoding;
use crate::live::frame::Frame;
use crate::live::now;
use crate::live::ring::Watcher;
use crate::live::view::{Reach, View};
use crate::live::window::Window;
use crate::select::{Selector, Selectors};

const START: Cursor = Cursor { epoch: Epoch(1), sequence: Sequence(0) };

/// `<data>`, with the data in one piece if it has one line.
static ANGLES: Encoding = Encoding { name: "angles", encode: in_angles };

fn in_angles(event: &Event, buffer: &mut BytesMut) -> Option<Range<usize>> {
    let data = event.draft.data();
    buffer.extend_from_slice(b"<");
    buffer.extend_from_slice(data);
    buffer.extend_from_slice(b">");
    (!data.contains(&b'\n')).then_some(1..data.len() + 1)
}

fn event(cursor: Cursor, data: Bytes) -> Event {
    let topic = Topic::parse("a").unwrap();
    let parts = DraftParts::new(topic, data);
    Event { cursor, time: UnixMillis(0), draft: Draft::restore(parts) }
}

fn encode(event: &Event, encodings: &[&'static Encoding]) -> Frame {
    Frame::encode_all(std::slice::from_ref(event), encodings).remove(0)
}

/// Events after a place, each with ten bytes of data.
fn events(after: Cursor, count: u64) -> Vec<Event> {
    let places = (1..=count).map(|n| after.at(Sequence(after.sequence.0 + n)));
    places.map(|cursor| event(cursor, Bytes::from_static(b"0123456789"))).collect()
}

/// A large buffer, as one in which many events arrive, that tells when it is freed.
struct Buffer {
    bytes: Vec<u8>,
    freed: Arc<AtomicBool>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.freed.store(true, Ordering::Relaxed);
    }
}

struct Nobody;

impl Watcher for Nobody {
    fn ring_moved(&self, _key: usize) {}
}

fn view(window: &Arc<Window>) -> View {
    let everything = Selectors::new([Selector::parse("**").unwrap()]).unwrap();
    View::new(window.clone(), &everything, Arc::new(Nobody), 0)
}

fn places(reach: Reach) -> Vec<Cursor> {
    match reach {
        Reach::Frames { frames, .. } => frames.iter().map(|frame| frame.event().cursor).collect(),
        other => panic!("expected frames, got {other:?}"),
    }
}

#[test]
fn data_of_one_line_is_a_slice_of_its_encoding() {
    let frame = encode(&event(START, Bytes::from_static(b"one line")), &[&ANGLES]);

    let encoded = frame.encoded(&ANGLES).unwrap();
    assert_eq!(encoded, "<one line>");
    let data = frame.event().draft.data();
    assert_eq!(data, "one line");
    assert!(encoded.as_ptr_range().contains(&data.as_ptr()), "the data stands in memory once");
    assert_eq!(frame.bytes(), encoded.len(), "and is counted once");
}

#[test]
fn data_of_several_lines_is_beside_its_encoding_and_counted_with_it() {
    let frame = encode(&event(START, Bytes::from_static(b"two\nlines")), &[&ANGLES]);

    let encoded = frame.encoded(&ANGLES).unwrap();
    let data = frame.event().draft.data();
    assert_eq!((&encoded[..], &data[..]), (&b"<two\nlines>"[..], &b"two\nlines"[..]));
    assert!(!encoded.as_ptr_range().contains(&data.as_ptr()));
    assert_eq!(frame.bytes(), encoded.len() + "a".len() + data.len());
}

#[test]
fn a_frame_does_not_keep_the_buffer_alive_in_which_its_event_arrived() {
    for (text, encodings) in [("one line", &[&ANGLES][..]), ("two\nlines", &[&ANGLES]), ("one line", &[])] {
        let freed = Arc::new(AtomicBool::new(false));
        let mut bytes = vec![b'x'; 1_000_000];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        let buffer = Bytes::from_owner(Buffer { bytes, freed: freed.clone() });
        let event = event(START, buffer.slice(..text.len()));
        drop(buffer);

        let frame = encode(&event, encodings);
        assert!(!freed.load(Ordering::Relaxed), "the event holds the buffer");
        drop(event);

        assert!(freed.load(Ordering::Relaxed), "the frame of {text:?} holds the buffer");
        assert_eq!(frame.event().draft.data(), text);
    }
}

#[test]
fn small_events_that_arrive_together_share_memory_in_pieces_of_a_bounded_size() {
    let batch = events(START, 1_000);

    let frames = Frame::encode_all(&batch, &[&ANGLES]);

    let mut pieces = Vec::<Range<*const u8>>::new();
    for (frame, event) in frames.iter().zip(&batch) {
        assert_eq!(frame.event(), event);
        let encoded = frame.encoded(&ANGLES).unwrap();
        assert_eq!(encoded, "<0123456789>");
        let range = encoded.as_ptr_range();
        match pieces.last_mut().filter(|piece| piece.end == range.start) {
            Some(piece) => piece.end = range.end,
            None => pieces.push(range),
        }
    }
    let longest = pieces.iter().map(|piece| piece.end as usize - piece.start as usize).max().unwrap();
    assert!(longest <= FRAME_CHUNK_BYTES && pieces.len() < 10, "{longest}, {}", pieces.len());
}

#[test]
fn two_small_events_do_not_set_a_whole_piece_aside() {
    let mut chunk = Vec::new();
    for _ in 0..1_000 {
        chunk.extend(Frame::encode_all(&events(START, 2), &[&ANGLES]));
    }

    // Pieces that were set aside whole would lie at least that far apart.
    let mut starts: Vec<_> =
        chunk.iter().map(|frame| frame.encoded(&ANGLES).unwrap().as_ptr() as usize).collect();
    starts.sort_unstable();
    let near = starts.windows(2).filter(|pair| pair[1] - pair[0] < FRAME_CHUNK_BYTES / 2).count();
    assert!(near > 1_500, "{near} of 2,000 are near to the one before");
}

#[test]
fn events_of_a_topic_share_its_text_in_the_window() {
    let window = Arc::new(Window::encoding(START, 1_000_000, Arc::default()));
    let view = view(&window);
    for number in 1..=2 {
        now(window.push(&[event(START.at(Sequence(number)), Bytes::from_static(b"x"))]));
    }

    let Reach::Frames { frames, .. } = view.after(START, 1_000_000) else { panic!("two frames are there") };
    let texts: Vec<_> = frames.iter().map(|frame| frame.event().draft.topic().as_str().as_ptr()).collect();
    assert_eq!(texts.len(), 2);
    assert_eq!(texts[0], texts[1]);
}

#[test]
fn an_encoding_in_use_is_made_once_for_each_event_however_many_views_there_are() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    static COUNTED: Encoding = Encoding {
        name: "counted",
        encode: |event, buffer| {
            CALLS.fetch_add(1, Ordering::Relaxed);
            in_angles(event, buffer)
        },
    };
    let window = Arc::new(Window::encoding(START, 1_000_000, Arc::default()));
    let views: Vec<_> = (0..5).map(|_| view(&window)).collect();
    let calls = || CALLS.swap(0, Ordering::Relaxed);
    let encoded = |from: u64| {
        let reach = views[0].after(START.at(Sequence(from)), 1_000_000);
        let Reach::Frames { frames, .. } = reach else { panic!("expected frames, got {reach:?}") };
        frames.iter().all(|frame| frame.encoded(&COUNTED).is_some())
    };

    now(window.push(&events(START, 3)));
    assert_eq!((calls(), encoded(0)), (0, false), "nobody uses it");

    let uses = [window.encodings().add(&COUNTED), window.encodings().add(&COUNTED)];
    now(window.push(&events(START.at(Sequence(3)), 3)));
    for view in &views {
        assert_eq!(places(view.after(START, 1_000_000)).len(), 6);
    }
    assert_eq!((calls(), encoded(3)), (3, true), "two use it");

    let [first, second] = uses;
    drop(first);
    now(window.push(&events(START.at(Sequence(6)), 2)));
    assert_eq!((calls(), encoded(6)), (2, true), "one still uses it");

    drop(second);
    now(window.push(&events(START.at(Sequence(8)), 1)));
    assert_eq!((calls(), encoded(8)), (0, false), "nobody uses it any more");
}

#[test]
fn the_window_counts_encodings() {
    let plain = "a0123456789".len() + FRAME_OVERHEAD_BYTES;
    let encoded = "<0123456789>".len() + FRAME_OVERHEAD_BYTES;
    for (encodes, bytes_max, held) in
        [(false, 4 * plain, 4), (false, 4 * plain - 1, 3), (true, 4 * encoded, 4), (true, 4 * encoded - 1, 3)]
    {
        let window = Arc::new(Window::encoding(START, bytes_max, Arc::default()));
        let _use = encodes.then(|| window.encodings().add(&ANGLES));

        now(window.push(&events(START, 10)));

        assert_eq!(window.floor(), Sequence(10 - held), "{encodes} {bytes_max}");
    }
}

#[test]
fn a_new_epoch_cuts_frames_off_and_gives_their_bytes_back() {
    let frame = "a0123456789".len() + FRAME_OVERHEAD_BYTES;
    let window = Arc::new(Window::encoding(START, 10 * frame, Arc::default()));
    let view = view(&window);
    now(window.push(&events(START, 10)));

    let begins = Cursor::new(Epoch(2), Sequence(4));
    now(window.begin_epoch(begins));
    assert_eq!(view.head(), begins);
    assert_eq!(places(view.after(begins.at(Sequence(0)), 1_000_000)).len(), 4);
    for place in [START.at(Sequence(4)), START.at(Sequence(10))] {
        let reach = view.after(place, 1_000_000);
        assert!(
            matches!(reach, Reach::NewEpoch { ended: Sequence(4), head } if head == begins),
            "after {place} {reach:?}"
        );
    }

    // As many as were cut off fit again.
    now(window.push(&events(begins, 6)));
    assert_eq!(window.floor(), Sequence(0));
    let held = places(view.after(begins.at(Sequence(0)), 1_000_000));
    let expected = [1, 2, 3, 4].map(|n| START.at(Sequence(n))).into_iter();
    assert!(held.into_iter().eq(expected.chain((5..=10).map(|n| begins.at(Sequence(n))))));
}

#[test]
fn a_place_of_an_epoch_that_the_window_does_not_know_is_asked_of_the_store() {
    let window = Arc::new(Window::encoding(START, 1_000_000, Arc::default()));
    let view = view(&window);
    now(window.push(&events(START, 3)));

    for sequence in [0, 3, 20] {
        let reach = view.after(Cursor::new(Epoch(7), Sequence(sequence)), 1_000_000);
        assert!(matches!(reach, Reach::Lagged), "{reach:?}");
    }

    // A window that begins again does not know where the epochs before ended.
    now(window.restart(Cursor::new(Epoch(2), Sequence(9))));
    for sequence in [0, 3, 9, 20] {
        let reach = view.after(START.at(Sequence(sequence)), 1_000_000);
        assert!(matches!(reach, Reach::Lagged), "{reach:?}");
    }
    assert_eq!((view.head(), window.floor()), (Cursor::new(Epoch(2), Sequence(9)), Sequence(9)));
}

#[test]
fn a_reader_never_sees_two_epochs_at_once_while_epochs_begin() {
    let window = Arc::new(Window::encoding(START, 1_000_000, Arc::default()));
    let is_over = AtomicBool::new(false);
    let epochs = 1..20_000_u64;

    std::thread::scope(|scope| {
        scope.spawn(|| {
            for epoch in epochs {
                let begins = Cursor::new(Epoch(epoch), Sequence(0));
                now(window.push(&events(begins, 5)));
                now(window.begin_epoch(Cursor::new(Epoch(epoch + 1), Sequence(0))));
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let view = view(&window);
        let mut ahead = false;
        while !is_over.load(Ordering::Relaxed) {
            // Now and then of an epoch that only the store knows yet.
            let here = view.head();
            ahead = !ahead;
            let cursor = Cursor::new(Epoch(here.epoch.0 + u64::from(ahead)), Sequence(0));
            match view.after(cursor, 1_000_000) {
                Reach::Frames { frames, through } => {
                    let seen: Vec<_> = frames.iter().map(|frame| frame.event().cursor).collect();
                    let expected: Vec<_> = (1..=through.sequence.0).map(|n| cursor.at(Sequence(n))).collect();
                    assert_eq!(seen, expected, "all that there is up to {through}");
                }
                Reach::Nothing { through } => assert_eq!(through, cursor, "no event was passed over"),
                Reach::NewEpoch { ended, .. } => assert_eq!(ended, Sequence(0)),
                // An epoch begins just now, or is still to come, or so many have begun that it is forgotten.
                Reach::Lagged => {}
                Reach::Closed => panic!("the window is open"),
            }
        }
    });
}
