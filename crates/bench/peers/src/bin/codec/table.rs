//! Runs everyone on every input, in turns, and prints medians.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

use crate::contender::Contender;
use crate::inputs::Input;

const ROUNDS: usize = 21;
const ROUND_NS: u128 = 4_000_000;

/// Prints a table: nanoseconds per event, MB/s, and the time as a multiple of the first contender's.
pub fn run(what: &str, inputs: &[Input], who: &[Contender]) {
    for input in inputs {
        println!("\n{what} {} ({} events, {} bytes)", input.name, input.events, input.stream_bytes());
        let able: Vec<&Contender> = who.iter().filter(|(name, run)| is_able(name, *run, input)).collect();
        let passes: Vec<u32> = able.iter().map(|(_, run)| passes(*run, input)).collect();
        let mut times = vec![Vec::new(); able.len()];
        for _ in 0..ROUNDS {
            for (((_, run), passes), times) in able.iter().zip(&passes).zip(&mut times) {
                times.push(time(*run, input, *passes));
            }
        }
        let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
        for ((name, _), ns) in able.iter().zip(&medians) {
            println!(
                "  {name:28} {:>10.1} ns/event {:>9.0} MB/s {:>8.2}",
                ns / input.events as f64,
                input.stream_bytes() as f64 * 1000.0 / ns,
                ns / medians[0]
            );
        }
    }
}

/// Runs one contender on one input once, for a tool that counts instructions.
pub fn count((who, run): Contender, inputs: &[Input], case: &str) {
    let input = inputs.iter().find(|input| input.name == case).expect("a case of that name");
    // The first run pays for lazily chosen vector code; only the second has the name that is counted.
    std::hint::black_box(run(input));
    let (events, bytes) = measured(run, input);
    println!("{who} {case}: {events} events, {bytes} bytes of data");
}

#[inline(never)]
fn measured(run: fn(&Input) -> (usize, usize), input: &Input) -> (usize, usize) {
    std::hint::black_box(run(std::hint::black_box(input)))
}

fn is_able(name: &str, run: fn(&Input) -> (usize, usize), input: &Input) -> bool {
    let (events, bytes) = run(input);
    let limit = name.starts_with("limit");
    if !limit && (events, bytes) != (input.events, input.data_bytes) {
        println!("  {name:28} WRONG: {events} events and {bytes} bytes of data, not {}", input.data_bytes);
    }
    true
}

fn passes(run: fn(&Input) -> (usize, usize), input: &Input) -> u32 {
    let start = Instant::now();
    let mut passes = 0;
    while start.elapsed().as_nanos() < ROUND_NS {
        std::hint::black_box(run(input));
        passes += 1;
    }
    passes
}

fn time(run: fn(&Input) -> (usize, usize), input: &Input, passes: u32) -> f64 {
    let start = thread_ns();
    for _ in 0..passes {
        std::hint::black_box(run(std::hint::black_box(input)));
    }
    (thread_ns() - start) / f64::from(passes)
}

/// Time that this thread has had of a processor: what others take from it does not count.
fn thread_ns() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
