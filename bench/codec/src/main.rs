//! Measures the codec beside other crates and beside the limits of the machine.
//!
//! `bench-codec` prints a table of times; `bench-codec count WHO CASE` decodes one case once and nothing else, to
//! be run under `valgrind --tool=callgrind --toggle-collect=*measured*` for its count of instructions.

mod decode;
mod encode;
#[cfg(test)]
mod faults;
mod inputs;
mod table;

use std::env;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            table::run("decode", &inputs::decode(), decode::WHO);
            table::run("encode", &inputs::encode(), encode::WHO);
        }
        ["decode"] => table::run("decode", &inputs::decode(), decode::WHO),
        ["decode", case] => {
            let cases: Vec<_> =
                inputs::decode().into_iter().filter(|input| input.name.contains(case)).collect();
            table::run("decode", &cases, decode::WHO);
        }
        ["encode"] => table::run("encode", &inputs::encode(), encode::WHO),
        ["count", who, case] => table::count(who, case),
        _ => eprintln!("usage: bench-codec [decode [CASE] | encode | count WHO CASE]"),
    }
}
