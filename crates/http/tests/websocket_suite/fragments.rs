//! Cases 5: fragments.

use crate::case::{Case, End, Heard, fragmented, ping, publish, text};
use crate::support::websocket::masked;

pub(crate) fn cases() -> Vec<Case> {
    [controls(), whole(), out_of_order(), mixed()].into_iter().flatten().collect()
}

fn wrong(number: &str) -> Case {
    Case::new(number, End::ByHub(Some(1_002)))
}

fn controls() -> Vec<Case> {
    [("5.1", 0x09), ("5.2", 0x0a)]
        .map(|(number, first)| {
            wrong(number).send(masked(first, b"fragment1")).send(masked(0x80, b"fragment2"))
        })
        .into()
}

/// Two fragments; with a ping between them from 5.6 on.
fn whole() -> Vec<Case> {
    let message = publish("fragment1fragment2");
    let (one, two) = message.split_at(message.len() / 2);
    let mut cases = vec![];
    for (number, chop, is_at_once) in
        [("5.3", usize::MAX, true), ("5.4", usize::MAX, false), ("5.5", 1, false)]
    {
        let case = Case::new(number, End::Clean);
        let sent = match is_at_once {
            true => case.send(fragmented(1, &message, message.len() / 2 + 1)),
            false => case.chop(masked(0x01, one), chop).chop(masked(0x80, two), chop),
        };
        cases.push(sent.expect_echo("fragment1fragment2"));
    }
    for (number, chop, is_at_once) in
        [("5.6", usize::MAX, true), ("5.7", usize::MAX, false), ("5.8", 1, false)]
    {
        let case = Case::new(number, End::Clean);
        let frames = [masked(0x01, one), ping("ping payload"), masked(0x80, two)];
        let sent = match is_at_once {
            true => case.send(frames.concat()),
            false => frames.into_iter().fold(case, |case, frame| case.chop(frame, chop)),
        };
        let heard = [Heard::Pong(b"ping payload".to_vec()), Heard::Published];
        cases.push(sent.expect(heard.into_iter().chain([Heard::Event("fragment1fragment2".to_owned())])));
    }
    cases
}

/// A fragment where no message has begun: final in 5.9 to 5.11, else not.
fn out_of_order() -> Vec<Case> {
    let hello = publish("Hello, world!");
    let mut cases = vec![];
    for (first, numbers) in [(0x80, ["5.9", "5.10", "5.11"]), (0x00, ["5.12", "5.13", "5.14"])] {
        let frames = [masked(first, b"non-continuation payload"), text(&hello)];
        let [together, frame_wise, octet_wise] = numbers.map(wrong);
        cases.push(together.send(frames.concat()));
        let [one, two] = frames;
        cases.push(frame_wise.send(one.clone()).send(two.clone()));
        cases.push(octet_wise.chop(one, 1).chop(two, 1));
    }
    cases
}

fn mixed() -> Vec<Case> {
    let message = publish("fragment1fragment2");
    let (one, two) = message.split_at(20);
    let good = [masked(0x01, one), masked(0x80, two)].concat();
    let stray = masked(0x00, b"fragment3");
    let behind = [good.clone(), stray.clone(), text(publish("fragment4"))].concat();
    let before = [masked(0x00, b"fragment1"), good.clone()].concat().repeat(2);
    let final_before = [masked(0x80, b"fragment1"), good].concat().repeat(2);
    let twice = [masked(0x01, one), masked(0x81, two)].concat();
    let mut cases = vec![
        wrong("5.15").send(behind).expect([Heard::Published]),
        wrong("5.16").send(before),
        wrong("5.17").send(final_before),
        wrong("5.18").send(twice),
    ];
    let parts: Vec<_> = message.chunks(message.len().div_ceil(5)).map(<[u8]>::to_vec).collect();
    let frames = |part: usize, first: u8| masked(first, &parts[part]);
    for (number, is_at_once) in [("5.19", true), ("5.20", false)] {
        let before = [frames(0, 0x01), frames(1, 0x00), ping("pongme 1!")];
        let after = [frames(2, 0x00), frames(3, 0x00), ping("pongme 2!"), frames(4, 0x80)];
        let send = |case: Case, frames: &[Vec<u8>]| match is_at_once {
            true => case.send(frames.concat()),
            false => frames.iter().cloned().fold(case, Case::send),
        };
        // The first ping is answered before the message is whole.
        let case = send(Case::new(number, End::Clean), &before).expect([Heard::Pong(b"pongme 1!".to_vec())]);
        let case = send(case, &after).expect([Heard::Pong(b"pongme 2!".to_vec())]);
        cases.push(case.expect_echo("fragment1fragment2"));
    }
    cases
}
