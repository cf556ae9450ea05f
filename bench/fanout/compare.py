#!/usr/bin/env python3
"""Compares the hub with the limit of the machine and with its peers, in one run.

The server is pinned to one core and the load generator to another. Rounds are interleaved, so that a machine whose
speed drifts is unfair to nobody; the median of the rounds is shown. Needs Linux, two cores, cargo, and for Nchan
Debian's nginx and libnginx-mod-nchan, which it installs when it is root and they are missing.

    python3 bench/fanout/compare.py [--rounds 3] [--subscribers 100,1000,10000] [--only tidings,limit] [--out FILE]
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PEERS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
NCHAN_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
SERVER_CORE, LOAD_CORE = "0", "1"


def build():
    subprocess.run(["cargo", "build", "--release", "-p", "tidings"], cwd=ROOT, check=True)
    subprocess.run(["cargo", "build", "--release"], cwd=HERE, check=True)
    if not NCHAN_MODULE.exists() and os.geteuid() == 0:
        # The module is loaded by hand; the packaged service is not to be started.
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
        subprocess.run(["apt-get", "install", "-y", "-q", "nginx-core", "libnginx-mod-nchan"], env=env, check=True)
        subprocess.run(["pkill", "-x", "nginx"], check=False)


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % probe.getsockname()[1]


def nchan(folder, address):
    conf = (HERE / "nchan.conf").read_text()
    module = f"load_module {NCHAN_MODULE};"
    for name, value in (("@DIR@", str(folder)), ("@ADDRESS@", address), ("@MODULE@", module)):
        conf = conf.replace(name, value)
    path = folder / "nginx.conf"
    path.write_text(conf)
    return ["nginx", "-p", str(folder), "-c", str(path)]


SERVERS = {
    "limit": lambda folder, address: [str(PEERS / "release/limit"), address],
    "limit, coalescing": lambda folder, address: [str(PEERS / "release/limit"), address, "coalesce"],
    "limit, fdatasync": lambda folder, address: [str(PEERS / "release/limit"), address, "durable"],
    "limit, io_uring": lambda folder, address: [str(PEERS / "release/limit"), address, "uring"],
    "axum Sse": lambda folder, address: [str(PEERS / "release/axum_sse"), address],
    "Nchan": nchan,
    "tidings": lambda folder, address: [
        str(TARGET / "release/tidings"), "serve", "--data", str(folder / "data"), "--listen", address,
        "--connections-max", "19500", "--log-level", "error",
    ],
}


class Server:
    """A server on its core, ended with the block."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
        self.address = free_address()
        command = ["taskset", "-c", SERVER_CORE, *SERVERS[self.name](self.folder, self.address)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        host, port = self.address.split(":")
        for _ in range(200):
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended at once: {command}")
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return self
            time.sleep(0.05)
        sys.exit(f"{self.name} does not listen")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def bench(self, *arguments):
        url = f"http://{self.address}/events/bench"
        extra = ["--publish-url", f"http://{self.address}/publish"] if self.name == "Nchan" and arguments[0] == "fanout" else []
        if self.name == "Nchan" and arguments[0] == "publish":
            url = f"http://{self.address}/publish"
        command = ["taskset", "-c", LOAD_CORE, str(TARGET / "release/tidings"), "bench", arguments[0], url, *arguments[1:],
                   *extra, "--pid", str(self.process.pid), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            print(f"  {self.name}: {done.stderr.strip()}", file=sys.stderr)
            return None
        return json.loads(done.stdout)


def measurements(subscribers):
    for count in subscribers:
        events = max(60, min(1_000, 400_000 // count))
        yield f"us per delivery, {count:,} subscribers", "cpu_us_per_delivery", [
            "fanout", "--subscribers", str(count), "--events", str(events)]
    yield "us per delivery, 1,000 subscribers, 64 in flight", "cpu_us_per_delivery", [
        "fanout", "--subscribers", "1000", "--events", "3000", "--in-flight", "64"]
    yield "p99 in us, 1,000 subscribers, 100 events/s", "p99", [
        "fanout", "--subscribers", "1000", "--events", "1000", "--rate", "100", "--warm-up", "100"]
    yield "bytes per idle connection, 15,000", "memory_bytes_per_connection", ["idle", "--subscribers", "15000"]
    yield "publishes per second, 256 connections", "rate", ["publish", "--events", "100000"]


def figure(report, key):
    if report is None:
        return None
    if key == "p99":
        return report["latency_us"][1]
    if key == "rate":
        return report["events"] / report["seconds"]
    if report.get("lost") or report.get("repeated") or report.get("in_another_order"):
        print(f"  not all was delivered as it was published: {report}", file=sys.stderr)
    return report[key]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--subscribers", default="100,1000,10000")
    parser.add_argument("--only", help="servers, separated by commas")
    parser.add_argument("--out", type=pathlib.Path, help="write all figures here, as JSON")
    options = parser.parse_args()
    build()
    names = [name for name in SERVERS if not options.only or name in options.only.split(",")]
    columns = list(measurements([int(count) for count in options.subscribers.split(",")]))
    figures = {name: {title: [] for title, _, _ in columns} for name in names}
    for number in range(options.rounds):
        for title, key, arguments in columns:
            for name in names:
                with Server(name) as server:
                    value = figure(server.bench(*arguments), key)
                print(f"round {number + 1}, {title}, {name}: {value}", file=sys.stderr, flush=True)
                if value is not None:
                    figures[name][title].append(value)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1))
    show(figures, [title for title, _, _ in columns])


def show(figures, titles):
    print("| server | " + " | ".join(titles) + " |")
    print("|---|" + "---|" * len(titles))
    for name, row in figures.items():
        cells = []
        for title in titles:
            median = statistics.median(row[title]) if row[title] else None
            cells.append("-" if median is None else f"{median:,.3f}" if median < 100 else f"{median:,.0f}")
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
