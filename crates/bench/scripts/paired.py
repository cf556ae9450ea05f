#!/usr/bin/env python3
"""Compares two builds of the hub, old and new, alternating in one run, so that a machine whose speed drifts is unfair to
neither. Each round measures old, new, old again: the two runs of the old build show the noise of the machine (A/A).

    cargo build --release -p tidings                     # in a checkout of each of the two heads
    python3 crates/bench/scripts/paired.py --old OLD/target/release/tidings --new NEW/target/release/tidings

The hub is pinned to one core and the load generator, which is that of the new build, to another. A row says by how much
the figure of the new build is more than that of the old one, as the median over all rounds, and by how much the old
build differs from itself. Needs Linux and two cores.
"""

import argparse
import pathlib
import statistics
import sys

import servers
from compare import Measurement, cost, fanout, latency, of, read, resume

ROWS_OF_MORE_IS_BETTER = ("publishes per second", "events per second")


def measurements():
    return [
        *(cost(count) for count in (100, 1_000, 10_000)),
        fanout(1_000, {"us per delivery, 1,000 subscribers, 64 in flight": of("cpu_us_per_delivery")},
               "--events", "3000", "--in-flight", "64"),
        fanout(1_000, {"p99 in us, 1,000 subscribers, 100 events/s": latency(1)},
               "--events", "1000", "--rate", "100", "--warm-up", "100"),
        Measurement(["publish", "--events", "100000"],
                    {"publishes per second, 256 connections": lambda report: report["events"] / report["seconds"]}),
        *resume()[0],
        Measurement(["idle", "--subscribers", "15000"],
                    {"bytes per idle connection, 15,000": of("memory_bytes_per_connection")}),
    ]


def once(binary, measurement):
    """One run of a measurement against a build; the figures by their titles."""
    servers.SERVERS["tidings"] = lambda folder, address: [
        str(binary), "serve", "--data", str(folder / "data"), "--listen", address, "--connections-max", "19500",
        "--log-level", "error"]
    with servers.Server("tidings", options=measurement.options) as server:
        report = server.bench(*measurement.arguments)
    if report is None:
        sys.exit("a measurement failed; see above")
    return {title: read(report, extract) for title, extract in measurement.figures.items()}


def median_ratio(pairs):
    return statistics.median(over / under for over, under in pairs) - 1


def row(title, runs, digits=3):
    """A row of the table. A run has the figures of the old build, of the new one, and of the old one again."""
    first, new, second = ([run[at][title] for run in runs] for at in range(3))
    old = [statistics.mean(pair) for pair in zip(first, second)]
    # The pairs of the old build in both directions, so that a drift within a round is not taken for noise of one sign.
    noise = statistics.median(abs(over / under - 1) for over, under in zip(first, second))
    more = " (more is better)" if title.startswith(ROWS_OF_MORE_IS_BETTER) else ""
    return (f"| {title}{more} | {statistics.median(old):,.{digits}f} | {statistics.median(new):,.{digits}f} | "
            f"{median_ratio(zip(new, old)):+.1%} | ±{noise:.1%} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=pathlib.Path, required=True, help="the binary before")
    parser.add_argument("--new", type=pathlib.Path, required=True, help="the binary after; also the load generator")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose title has this text")
    options = parser.parse_args()
    servers.LOAD = options.new.resolve()
    print("| row | old | new | new / old | old / old (noise) |\n|---|---:|---:|---:|---:|", flush=True)
    for measurement in measurements():
        if not any(options.only in title for title in measurement.figures):
            continue
        runs = []
        for _ in range(options.rounds):
            runs.append([once(binary, measurement) for binary in (options.old, options.new, options.old)])
        for title in measurement.figures:
            print(row(title, runs), flush=True)


if __name__ == "__main__":
    main()
