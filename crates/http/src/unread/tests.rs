use std::time::Duration;

use tidings_core::{Epoch, Sequence};
use tokio::time::advance;

use super::*;
use crate::limits::UNREAD_GRACE;
use crate::stream::Opening;
use crate::stream::gzip::Packing;

fn key(number: u64) -> FrameKey {
    FrameKey {
        cursor: Cursor::new(Epoch(1), Sequence(number)),
        encoder: Encoder::Sse(Opening::Event),
        packing: Packing::Plain,
    }
}

fn keep(unread: &UnreadFrames, number: u64, bytes: usize) -> KeptFrame {
    unread.keep(key(number), vec![0; bytes].into()).1
}

fn bytes(unread: &UnreadFrames) -> (usize, usize) {
    let frames = unread.lock();
    (frames.bytes, frames.bytes_leaving)
}

#[test]
fn a_frame_is_counted_once_and_readers_share_the_copy_of_the_first() {
    let unread = UnreadFrames::new(100);

    let (first, one) = unread.keep(key(1), vec![0; 60].into());
    let (second, other) = unread.keep(key(1), vec![0; 60].into());

    assert_eq!(first.as_ptr(), second.as_ptr());
    assert_eq!(bytes(&unread), (60, 0));
    assert!(!one.must_be_let_go() && !other.must_be_let_go());
    drop(one);
    assert_eq!(bytes(&unread), (60, 0));
    drop(other);
    assert_eq!(bytes(&unread), (0, 0));
}

/// Two users have changes of the same place, and neither may see those of the other.
#[test]
fn bytes_of_one_reader_are_counted_and_never_shared() {
    let unread = UnreadFrames::new(100);

    let (first, one) = unread.keep_own(vec![1; 40].into());
    let (second, other) = unread.keep_own(vec![2; 30].into());

    assert_eq!((&first[..], &second[..]), (&[1; 40][..], &[2; 30][..]));
    assert_eq!(bytes(&unread), (70, 0));
    drop(one);
    let (third, _kept) = unread.keep_own(vec![3; 20].into());
    assert_eq!((third[0], bytes(&unread)), (3, (50, 0)));
    drop(other);
    assert_eq!(bytes(&unread), (20, 0));
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_which_nothing_is_taken_is_let_go_by_all_its_readers_after_their_grace() {
    let unread = UnreadFrames::new(100);
    let (one, other) = (keep(&unread, 1, 30), keep(&unread, 1, 30));
    advance(UNREAD_GRACE).await;
    let newer = keep(&unread, 2, 20);
    assert_eq!(unread.calls(), 0);

    let newest = keep(&unread, 3, 20);

    let told = [&one, &other, &newer, &newest].map(KeptFrame::must_be_let_go);
    assert_eq!((told, unread.calls()), ([true, true, false, false], 1));
    assert_eq!(bytes(&unread), (70, 30));
    drop((one, other));
    assert_eq!(bytes(&unread), (40, 0));
    drop((newer, newest));
    assert_eq!(bytes(&unread), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_young_frame_is_let_go_only_when_all_room_is_taken() {
    let unread = UnreadFrames::new(100);

    let young: Vec<_> = (1..=5).map(|number| keep(&unread, number, 20)).collect();
    assert!(!young.iter().any(KeptFrame::must_be_let_go));
    let one_more = keep(&unread, 6, 20);

    assert_eq!(young.iter().filter(|frame| frame.must_be_let_go()).count(), 1);
    assert!(young[0].must_be_let_go() && !one_more.must_be_let_go());
}

#[test]
fn one_frame_may_be_larger_than_all_that_are_kept() {
    let unread = UnreadFrames::new(100);

    assert!(!keep(&unread, 1, 1_000).must_be_let_go());
}

#[tokio::test(start_paused = true)]
async fn the_newest_frame_stays_though_it_leaves_no_room_for_any_other() {
    let unread = UnreadFrames::new(100);
    let one = keep(&unread, 1, 10);

    let large = keep(&unread, 2, 1_000);

    assert!(one.must_be_let_go() && !large.must_be_let_go());
}

/// A phone that takes a megabyte a second has kept its frame for longer than one that takes nothing.
#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_for_a_second_goes_before_one_that_was_there_and_takes_its_frame() {
    let unread = UnreadFrames::new(100);
    let phone = keep(&unread, 1, 50);
    for _ in 0..2 {
        advance(Duration::from_secs(1)).await;
        phone.took(1_000_000);
    }
    let still = keep(&unread, 2, 50);
    advance(Duration::from_secs(1)).await;
    phone.took(1_000_000);

    let newest = keep(&unread, 3, 50);

    assert_eq!([&phone, &still, &newest].map(KeptFrame::must_be_let_go), [false, true, false]);
}

#[tokio::test(start_paused = true)]
async fn one_who_has_only_come_goes_after_all_of_whom_something_is_known() {
    let unread = UnreadFrames::new(100);
    let phone = keep(&unread, 1, 50);
    advance(Duration::from_secs(2)).await;
    phone.took(2_000_000);
    let new = keep(&unread, 2, 50);

    let newest = keep(&unread, 3, 50);

    assert_eq!([&phone, &new, &newest].map(KeptFrame::must_be_let_go), [true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn among_a_thousand_that_take_nothing_or_a_byte_now_and_then_a_slow_but_steady_one_stays() {
    let unread = UnreadFrames::new(1_000);
    let mut stalled: Vec<_> = (0..500).map(|number| keep(&unread, number, 1)).collect();
    let slow = keep(&unread, 500, 1);
    let dripping: Vec<_> = (501..1_000).map(|number| keep(&unread, number, 1)).collect();
    for _ in 0..7 {
        advance(Duration::from_secs(1)).await;
        dripping.iter().for_each(|reader| reader.took(1));
        slow.took(20_000);
    }

    // Half of the room may be kept: all who do not move go for it, the oldest first, whether they drip or not.
    let newest = keep(&unread, 1_000, 1);
    stalled.retain(|reader| !reader.must_be_let_go());
    assert_eq!((stalled.len(), bytes(&unread)), (0, (501, 1)));
    assert!(dripping[0].must_be_let_go() && !dripping[1].must_be_let_go());

    let large = keep(&unread, 1_001, 998);

    assert!(dripping.iter().all(KeptFrame::must_be_let_go));
    assert!([&slow, &newest, &large].iter().all(|reader| !reader.must_be_let_go()));
}

#[tokio::test(start_paused = true)]
async fn a_slow_but_steady_reader_is_not_ended_before_all_room_is_taken() {
    let unread = UnreadFrames::new(100);
    let slow = keep(&unread, 1, 60);
    for _ in 0..20 {
        advance(Duration::from_secs(1)).await;
        slow.took(20_000);
    }

    let newer = keep(&unread, 2, 40);
    assert!(!slow.must_be_let_go());
    let newest = keep(&unread, 3, 10);

    assert!(slow.must_be_let_go() && !newer.must_be_let_go() && !newest.must_be_let_go());
}

/// All of its readers must go before a frame is free, so those that do not move harm nobody in a frame that moves.
#[tokio::test(start_paused = true)]
async fn a_frame_is_as_fast_as_its_fastest_reader() {
    let unread = UnreadFrames::new(100);
    let (stalled, slow) = (keep(&unread, 1, 40), keep(&unread, 1, 40));
    let other = keep(&unread, 2, 40);
    advance(UNREAD_GRACE).await;
    slow.took(100_000);

    let newest = keep(&unread, 3, 40);
    assert_eq!(
        [&stalled, &slow, &other, &newest].map(KeptFrame::must_be_let_go),
        [false, false, true, false]
    );
    drop((slow, other));
    let next = keep(&unread, 4, 40);

    assert_eq!([&stalled, &newest, &next].map(KeptFrame::must_be_let_go), [true, false, false]);
}

/// The bytes do not grow with it. A look at all frames for each of a thousand readers of one would cost more than it frees.
#[tokio::test(start_paused = true)]
async fn another_reader_of_a_frame_that_is_kept_ends_nobody() {
    let unread = UnreadFrames::new(100);
    let (first, second) = (keep(&unread, 1, 40), keep(&unread, 2, 40));
    advance(2 * UNREAD_GRACE).await;

    let another = keep(&unread, 2, 40);

    assert!(![&first, &second, &another].iter().any(|reader| reader.must_be_let_go()));
}
