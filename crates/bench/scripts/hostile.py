#!/usr/bin/env python3
"""Attacks hubs, a fresh one for each attack, and tells what each cost: in processor time, in memory, and in the worst
answers that others got meanwhile.

    cargo build --release -p tidings
    python3 crates/bench/scripts/hostile.py --hub target/release/tidings

prints one Markdown table, one row for each attack. With `--against OLD` each figure of the older build OLD stands before
that of the hub, as `old → new`. `--only TEXT` runs the attacks whose name has this text, `--list` names them.
`--scale 0.05` makes all counts smaller, for a first look. All patterns and topics are made from the seed, which is
printed.

Everything is on this machine, on loopback addresses. No answer is waited for longer than 30 s. Needs Linux, 20,000 open
files a process (`ulimit -Hn`), and some 6 GB of memory. The whole takes about half an hour for each build.
"""

import argparse
import os
import pathlib
import platform
import signal
import sys

from hostile import table
from hostile.attacks import Context
from hostile.attacks.catalogue import ATTACKS
from hostile.hub import ANSWER_SECONDS_MAX


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hub", type=pathlib.Path, help="the binary to attack")
    parser.add_argument("--against", type=pathlib.Path, help="an older binary to attack as well")
    parser.add_argument("--only", default="", help="attacks whose name has this text")
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each count, such as 0.05")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--list", action="store_true", help="name the attacks and end")
    options = parser.parse_args()
    if options.list:
        print("\n".join(ATTACKS))
        return
    if not options.hub:
        parser.error("--hub is needed")
    # So that the hub ends with this, however this is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    builds = [path.resolve() for path in (options.against, options.hub) if path]
    print(f"Seed {options.seed}, scale {options.scale:g}, {os.cpu_count()} processors, {platform.machine()}, "
          f"Linux {platform.release()}. {' → '.join(path.name for path in builds)}.\n")
    print(table.header(), flush=True)
    for name, attack in ATTACKS.items():
        if options.only not in name:
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        # Side by side, so that a machine whose speed drifts is unfair to neither.
        runs = [attack(Context(str(build), str(builds[-1]), options.scale, options.seed)) for build in builds]
        for rows in zip(*runs, strict=True):
            of_builds = [table.cells(row.watch, row.facts, ANSWER_SECONDS_MAX) for row in rows]
            print(table.row(rows[-1].title, of_builds), flush=True)


if __name__ == "__main__":
    main()
