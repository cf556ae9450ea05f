//! Measures the codec beside other crates and beside the limits of the machine.
//!
//! `codec` prints a table of times; `codec count WHO CASE` decodes one case once and nothing else, to
//! be run under `valgrind --tool=callgrind --toggle-collect=*measured*` for its count of instructions.

mod contender;
mod decode;
mod encode;
#[cfg(test)]
mod faults;
mod inputs;
mod table;

use std::env;

use contender::Contender;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            table::run("decode", &inputs::decode(), decode::CONTENDERS);
            table::run("encode", &inputs::encode(), encode::CONTENDERS);
        }
        ["decode"] => table::run("decode", &inputs::decode(), decode::CONTENDERS),
        ["decode", case] => {
            let cases: Vec<_> =
                inputs::decode().into_iter().filter(|input| input.name.contains(case)).collect();
            table::run("decode", &cases, decode::CONTENDERS);
        }
        ["encode"] => table::run("encode", &inputs::encode(), encode::CONTENDERS),
        ["count", who, case] => count(who, case),
        _ => eprintln!("usage: codec [decode [CASE] | encode | count WHO CASE]"),
    }
}

/// Runs one contender on one input once, for a tool that counts instructions.
fn count(who: &str, case: &str) {
    let find = |list: &[Contender]| list.iter().find(|(name, _)| *name == who).copied();
    match (find(decode::CONTENDERS), find(encode::CONTENDERS)) {
        (Some(contender), _) => table::count(contender, &inputs::decode(), case),
        (None, Some(contender)) => table::count(contender, &inputs::encode(), case),
        (None, None) => panic!("nobody is called {who}"),
    }
}
