#!/usr/bin/env python3
"""Compares the hub with the limit of the machine and with its peers, in one run.

The server is pinned to one core and the load generator to another. Rounds are interleaved, so that a machine whose
speed drifts is unfair to nobody; the median of the rounds is shown. Needs Linux, two cores, cargo, and for Nchan
Debian's nginx and libnginx-mod-nchan, which it installs when it is root and they are missing.

    python3 bench/fanout/compare.py [--rounds 3] [--subscribers 100,1000,10000] [--only tidings,limit] [--out FILE]
    python3 bench/fanout/compare.py --secure [--rounds 3] [--only tidings,Nchan] [--out FILE]

With `--secure` it compares instead what subscribers cost without TLS, over TLS and over HTTP/2: time on the processor for
each delivery, one event at a time to 1,000 subscribers, and the user memory of those who receive nothing. The hub makes
its own certificate (`--tls-self-signed`), `openssl` one for nginx. Nchan is measured over HTTP/1.1 alone, and its
cells for HTTP/2 stay empty. `src/bin/secure` is the client; it says how memory is measured.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
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


def nchan(folder, address, tls=""):
    conf = (HERE / "nchan.conf").read_text()
    module = f"load_module {NCHAN_MODULE};"
    listen = f"{address} ssl" if tls else address
    for name, value in (("@TLS@", tls), ("@DIR@", str(folder)), ("@ADDRESS@", listen), ("@MODULE@", module)):
        conf = conf.replace(name, value)
    path = folder / "nginx.conf"
    path.write_text(conf)
    return ["nginx", "-p", str(folder), "-c", str(path)]


def nchan_over_tls(folder, address):
    # A key of the same kind as the hub's own.
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, capture_output=True)
    # Small buffers, to its advantage: each subscriber may have one.
    tls = "ssl_certificate @DIR@/cert.pem; ssl_certificate_key @DIR@/key.pem; ssl_buffer_size 4k; ssl_session_tickets off;"
    return nchan(folder, address, tls)


def tidings(folder, address):
    return [str(TARGET / "release/tidings"), "serve", "--data", str(folder / "data"), "--listen", address,
            "--connections-max", "19500", "--log-level", "error"]


SERVERS = {
    "limit": lambda folder, address: [str(PEERS / "release/limit"), address],
    "limit, coalescing": lambda folder, address: [str(PEERS / "release/limit"), address, "coalesce"],
    "limit, fdatasync": lambda folder, address: [str(PEERS / "release/limit"), address, "durable"],
    "limit, io_uring": lambda folder, address: [str(PEERS / "release/limit"), address, "uring"],
    "axum Sse": lambda folder, address: [str(PEERS / "release/axum_sse"), address],
    "Nchan": nchan,
    "tidings": tidings,
}
SECURE_SERVERS = {
    "Nchan": nchan_over_tls,
    "tidings": lambda folder, address: [*tidings(folder, address), "--tls-self-signed"],
}


class Server:
    """A server on its core, ended with the block."""

    def __init__(self, name, secure=False):
        self.name = name
        self.secure = secure

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
        self.address = free_address()
        server = (SECURE_SERVERS if self.secure else SERVERS)[self.name]
        command = ["taskset", "-c", SERVER_CORE, *server(self.folder, self.address)]
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
        scheme = "https" if self.secure else "http"
        url = f"{scheme}://{self.address}/events/bench"
        publish_url = f"{scheme}://{self.address}/publish" if self.name == "Nchan" else url
        if arguments[0] == "publish":
            url = publish_url
        program, options = self.client()
        command = ["taskset", "-c", LOAD_CORE, *program, arguments[0], url, *arguments[1:], *options,
                   "--pid", str(self.process.pid)]
        if arguments[0] == "fanout":
            command += ["--publish-url", publish_url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            print(f"  {self.name}: {done.stderr.strip()}", file=sys.stderr)
            return None
        return json.loads(done.stdout)

    def client(self):
        if not self.secure:
            return [TARGET / "release/tidings", "bench"], ["--json"]
        host, port = self.address.split(":")
        certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))
        return [PEERS / "release/secure"], ["--fingerprint", hashlib.sha256(certificate).hexdigest()]


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


def secure_measurements():
    """Whether the server speaks TLS, and what is measured of it."""
    fanout = ["fanout", "--subscribers", "1000", "--events", "400"]
    yield False, "us per delivery, 1,000 subscribers, no TLS", "cpu_us_per_delivery", fanout
    yield True, "the same over TLS", "cpu_us_per_delivery", fanout
    yield True, "the same over HTTP/2, 10 connections", "cpu_us_per_delivery", [
        *fanout, "--protocol", "h2", "--streams-per-connection", "100"]
    yield True, "bytes per idle subscriber over TLS, 2,000", "memory_bytes_per_subscriber", [
        "idle", "--subscribers", "2000"]
    yield True, "bytes per HTTP/2 stream beyond its connection, 900", "memory_bytes_per_stream", [
        "streams", "--connections", "10", "--streams", "91"]
    yield True, "bytes per HTTP/2 connection with one stream, 500", "memory_bytes_per_connection", [
        "streams", "--connections", "500", "--streams", "1"]


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
    parser.add_argument("--secure", action="store_true", help="compare what TLS and HTTP/2 cost")
    parser.add_argument("--out", type=pathlib.Path, help="write all figures here, as JSON")
    options = parser.parse_args()
    build()
    if options.secure:
        servers, columns = SECURE_SERVERS, list(secure_measurements())
    else:
        counts = [int(count) for count in options.subscribers.split(",")]
        servers, columns = SERVERS, [(False, *column) for column in measurements(counts)]
    names = [name for name in servers if not options.only or name in options.only.split(",")]
    titles = [title for _, title, _, _ in columns]
    figures = {name: {title: [] for title in titles} for name in names}
    for number in range(options.rounds):
        for secure, title, key, arguments in columns:
            for name in names:
                with Server(name, secure) as server:
                    value = figure(server.bench(*arguments), key)
                print(f"round {number + 1}, {title}, {name}: {value}", file=sys.stderr, flush=True)
                if value is not None:
                    figures[name][title].append(value)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1))
    show(figures, titles)


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
