#!/usr/bin/env python3
"""Compares the hub with the limit of the machine and with its peers, in one run.

The server is pinned to one core and the load generator to another. Rounds are interleaved, so that a machine whose
speed drifts is unfair to nobody; the median of the rounds is shown. Needs Linux, two cores, cargo, and for Nchan
Debian's nginx and libnginx-mod-nchan, which it installs when it is root and they are missing.

    python3 crates/bench/scripts/compare.py [--rounds 3] [--subscribers 100,1000,10000] [--only tidings,limit] [--out FILE]

Other questions, each with a table of its own, and several in one run if wished:

    --growth     what a delivery costs with 18,000 subscribers, in relation to 100
    --resume     5,000 clients that resume 200 events each at once, in relation to writing those bytes
    --stalled    whether one in a hundred that does not read is noticed by the others
    --others     whether 18,000 subscribers of other topics are noticed by a publisher
    --secure     what subscribers cost without TLS, over TLS and over HTTP/2, on the processor and in user memory

For `--secure` the hub makes its own certificate (`--tls-self-signed`), and `openssl` one for nginx. Nchan is measured over
HTTP/1.1 alone; its cells for HTTP/2 stay empty. `peers/src/bin/secure` is the client; it says how memory is measured.

`plot.py` draws what --out has written.
"""

import argparse
import json
import pathlib
import statistics
import sys

from servers import SERVERS, Server, build


class Measurement:
    """One run of the load generator, and the figures that are read from its report."""

    def __init__(self, arguments, figures, servers=None, options=(), secure=False):
        self.arguments, self.figures, self.servers = arguments, figures, servers
        self.options, self.secure = options, secure


class Ratio:
    """A figure in relation to another one; of the same server unless one is named."""

    def __init__(self, title, over, under, server=None):
        self.title, self.over, self.under, self.server = title, over, under, server


def of(key):
    return lambda report: report[key]


def latency(index):
    return lambda report: report["latency_us"][index]


def memory_growth(report):
    before, after = report["memory_bytes"]
    return (after - before) / 2**20


def fanout(subscribers, figures, *more, **rest):
    return Measurement(["fanout", "--subscribers", str(subscribers), *more], figures, **rest)


def cost(subscribers):
    events = max(60, min(1_000, 400_000 // subscribers))
    figures = {f"us per delivery, {subscribers:,} subscribers": of("cpu_us_per_delivery")}
    return fanout(subscribers, figures, "--events", str(events))


def comparison(subscribers):
    measurements = [cost(count) for count in subscribers] + [
        fanout(1_000, {"us per delivery, 1,000 subscribers, 64 in flight": of("cpu_us_per_delivery")},
               "--events", "3000", "--in-flight", "64"),
        fanout(1_000, {"p99 in us, 1,000 subscribers, 100 events/s": latency(1)},
               "--events", "1000", "--rate", "100", "--warm-up", "100"),
        Measurement(["idle", "--subscribers", "15000"],
                    {"bytes per idle connection, 15,000": of("memory_bytes_per_connection")}),
        Measurement(["publish", "--events", "100000"],
                    {"publishes per second, 256 connections": lambda report: report["events"] / report["seconds"]}),
    ]
    return measurements, []


def growth(few=100, many=18_000):
    title = "us per delivery, {:,} subscribers".format
    return [cost(few), cost(many)], [Ratio(f"{many:,} / {few:,}", title(many), title(few))]


def resume(clients=5_000, behind=200):
    time_title, cpu_title = f"seconds until {clients:,} have {behind} events each", "server us per client"
    arguments = ["resume", "--subscribers", str(clients), "--behind", str(behind)]
    figures = {
        time_title: of("seconds"),
        cpu_title: of("cpu_us_per_subscriber"),
        "MB received": lambda report: report["bytes"] / 1e6,
    }
    # The others keep nothing, or not for long.
    measurement = Measurement(arguments, figures, ["limit", "tidings"])
    # The generator needs most of the seconds; the time of the server alone is the stricter ratio.
    ratios = [Ratio(title, over, over, "limit")
              for title, over in (("seconds / limit", time_title), ("server us / limit", cpu_title))]
    return [measurement], ratios


def stalled(subscribers=1_000, stalled=10):
    """Events of 4 KiB, because a socket takes some megabytes before it is full."""
    measurements, ratios = [], []
    load = ["--events", "1500", "--rate", "50", "--bytes", "4096", "--warm-up", "100"]
    for count in (0, stalled):
        names = [f"{name} in us, {count} stalled" for name in ("p50", "p99", "p99.9")]
        figures = {name: latency(index) for index, name in enumerate(names)}
        figures[f"MiB grown, {count} stalled"] = memory_growth
        measurements.append(fanout(subscribers - count, figures, *load, "--stalled", str(count)))
    ratios.append(Ratio("p99, stalled / not", f"p99 in us, {stalled} stalled", "p99 in us, 0 stalled"))
    return measurements, ratios


def others(count=18_000):
    title = "us per publish, {:,} subscribers of other topics".format
    load = ["--publishers", "1", "--events", "3000", "--warm-up", "300"]
    measurements = [
        # Heartbeats to so many would be measured too.
        fanout(1, {title(number): of("cpu_us_per_event")}, *load, "--others", str(number),
               servers=["tidings"], options=["--heartbeat", "1h"])
        for number in (0, count)
    ]
    return measurements, [Ratio(f"{count:,} / none", title(count), title(0))]


def secure():
    measured = ["Nchan", "tidings"]
    load = ["--events", "400"]
    over_http_2 = [*load, "--protocol", "h2", "--streams-per-connection", "100"]
    memory = "memory_bytes_per_{}".format
    measurements = [
        fanout(1_000, {"us per delivery, 1,000 subscribers, no TLS": of("cpu_us_per_delivery")}, *load, servers=measured),
        fanout(1_000, {"the same over TLS": of("cpu_us_per_delivery")}, *load, servers=measured, secure=True),
        fanout(1_000, {"the same over HTTP/2, 10 connections": of("cpu_us_per_delivery")}, *over_http_2,
               servers=["tidings"], secure=True),
        Measurement(["idle", "--subscribers", "2000"],
                    {"bytes per idle subscriber over TLS, 2,000": of(memory("subscriber"))}, measured, secure=True),
        Measurement(["streams", "--connections", "10", "--streams", "91"],
                    {"bytes per HTTP/2 stream beyond its connection, 900": of(memory("stream"))}, ["tidings"], secure=True),
        Measurement(["streams", "--connections", "500", "--streams", "1"],
                    {"bytes per HTTP/2 connection with one stream, 500": of(memory("connection"))}, ["tidings"], secure=True),
    ]
    return measurements, []


def read(report, extract):
    if any(report.get(key) for key in ("lost", "repeated", "in_another_order", "wrong")):
        print(f"  not all was delivered as it was published: {report}", file=sys.stderr)
    if report.get("complete", 0) < report.get("subscribers", 0) and "complete" in report:
        print(f"  not all caught up: {report}", file=sys.stderr)
    return extract(report)


def measure(measurements, names, rounds):
    figures = {name: {title: [] for one in measurements for title in one.figures} for name in names}
    for number in range(rounds):
        for one in measurements:
            for name in names:
                if one.servers and name not in one.servers:
                    continue
                with Server(name, one.secure, one.options) as server:
                    report = server.bench(*one.arguments)
                for title, extract in one.figures.items() if report else ():
                    value = read(report, extract)
                    print(f"round {number + 1}, {title}, {name}: {value}", file=sys.stderr, flush=True)
                    figures[name][title].append(value)
    return {name: row for name, row in figures.items() if any(row.values())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--subscribers", default="100,1000,10000")
    parser.add_argument("--only", help="servers, separated by commas")
    parser.add_argument("--out", type=pathlib.Path, help="write all figures here, as JSON")
    for name in ("growth", "resume", "stalled", "others", "secure"):
        parser.add_argument(f"--{name}", action="store_true", help="instead of the comparison; see above")
    options = parser.parse_args()
    names = [name for name in SERVERS if not options.only or name in options.only.split(",")]
    build(names)
    asked = [ask() for ask in (growth, resume, stalled, others, secure) if getattr(options, ask.__name__)]
    everything = {}
    for measurements, ratios in asked or [comparison([int(count) for count in options.subscribers.split(",")])]:
        figures = measure(measurements, names, options.rounds)
        for name, row in figures.items():
            everything.setdefault(name, {}).update(row)
        show(figures, [title for one in measurements for title in one.figures], ratios)
    if options.out:
        options.out.write_text(json.dumps(everything, indent=1))


def median(figures, name, title):
    values = figures.get(name, {}).get(title)
    return statistics.median(values) if values else None


def ratio(figures, name, ratio):
    over, under = median(figures, name, ratio.over), median(figures, ratio.server or name, ratio.under)
    return over / under if over is not None and under else None


def show(figures, titles, ratios):
    print("\n| server | " + " | ".join(titles + [ratio.title for ratio in ratios]) + " |")
    print("|---|" + "---:|" * (len(titles) + len(ratios)))
    for name in figures:
        cells = [median(figures, name, title) for title in titles]
        cells += [ratio(figures, name, one) for one in ratios]
        print(f"| {name} | " + " | ".join(map(written, cells)) + " |")


def written(value):
    if value is None:
        return "-"
    return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
