#!/usr/bin/env python3
"""What access costs: subscribers that each show a token of their own, compared with anonymous ones.

    cargo build --release -p tidings
    python3 crates/bench/scripts/access.py --hub target/release/tidings fanout       # what a delivery costs
    python3 crates/bench/scripts/access.py --hub target/release/tidings reconnect    # what it costs to come back at once
    python3 crates/bench/scripts/access.py --hub target/release/tidings idle         # what memory they take

The anonymous subscribers are those of a hub without a table of `[access]`. Those with tokens are those of a hub that takes tokens
alone for its topics: each has a user of its own, which may read `users/{sub}/**` and the topic of the benchmark, until an hour is
over. Both hubs deliver the same events, and the load is the same but for the tokens. Each round measures the open hub, the one with
tokens, and the open one again: the two runs of the open hub show the noise of the machine (A/A). A row says by how much the figure
with tokens is more than that of the open hub, as the median over all rounds.

The hub is pinned to one core and the load generator to another. Needs Linux, two cores, openssl for the key of EdDSA, and as many
open files for a process as there are subscribers, and 500 more.
"""

import argparse
import base64
import concurrent.futures
import hashlib
import hmac
import json
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time

import servers
from compare import Measurement, latency, of, read
from paired import row

COMMON = "/events/bench"
COMMON_AND_OWN = "/events?topic=bench&topic=users/u{n}/**"
# `bench idle` has some subscribers more, before it measures.
TOKENS_BESIDE = 50
EXPIRES = 3_600
ACCESS = """
[access.anonymous]
publish = ["bench"]

[access.jwt]
key_file = "{key}"
algorithms = ["{algorithm}"]
audience = "tidings"
subscribe = ["users/{{sub}}/**", "bench"]
"""


class Question:
    """What is measured, of subscribers of which URL, and with tokens of which algorithms."""

    def __init__(self, path, algorithms, measurement):
        self.path, self.algorithms, self.measurement = path, algorithms, measurement


def fanout(subscribers):
    events = max(60, 400_000 // subscribers)

    def question(path, what):
        figures = {f"us per delivery, {subscribers:,} subscribers of {what}": of("cpu_us_per_delivery")}
        arguments = ["fanout", "--subscribers", str(subscribers), "--events", str(events)]
        return Question(path, ["HS256"], Measurement(arguments, figures))

    return [question(COMMON, "one topic"), question(COMMON_AND_OWN, "one topic and a pattern of their own")]


def reconnect(subscribers):
    figures = {
        f"seconds until {subscribers:,} have their stream": of("seconds"),
        "p99 of a reconnect in us": latency(1),
        "hub us per reconnect": of("cpu_us_per_subscriber"),
    }
    arguments = ["resume", "--subscribers", str(subscribers), "--behind", "1"]
    return [Question(COMMON, ["HS256", "EdDSA"], Measurement(arguments, figures))]


def idle(subscribers):
    figures = {
        f"bytes per idle connection, {subscribers:,}": of("memory_bytes_per_connection"),
        "hub us per connect": of("cpu_us_per_connection"),
    }
    return [Question(COMMON, ["HS256"], Measurement(["idle", "--subscribers", str(subscribers)], figures))]


QUESTIONS = {"fanout": (fanout, 10_000, 3), "reconnect": (reconnect, 5_000, 7), "idle": (idle, 10_000, 3)}


class Tokens:
    """A token for each subscriber, and the configuration of a hub that takes them."""

    def __init__(self, hub, folder, algorithm, count):
        self.file, self.config = folder / f"{algorithm}.tokens", folder / f"{algorithm}.toml"
        key, tokens = (signed_by_secret if algorithm == "HS256" else signed_by_key)(hub, folder, count)
        self.config.write_text(ACCESS.format(key=key, algorithm=algorithm))
        self.file.write_text("".join(f"{token}\n" for token in tokens))


def signed_by_secret(_, folder, count):
    key = folder / "secret.key"
    key.write_text(secrets.token_hex(32))

    def base64url(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    def token(number):
        claims = {"sub": f"u{number}", "aud": "tidings", "exp": int(time.time()) + EXPIRES}
        text = b".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return (text + b"." + base64url(hmac.new(key.read_bytes(), text, hashlib.sha256).digest())).decode()

    return key, map(token, range(count))


def signed_by_key(hub, folder, count):
    private, public = folder / "private.pem", folder / "public.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)

    def token(number):
        command = [hub, "token", "--key-file", private, "--sub", f"u{number}", "--expires", f"{EXPIRES}s"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return public, list(pool.map(token, range(count)))


def once(question, tokens=None):
    """One run of a question against a hub of its own: open, or with tokens."""
    options = ["--config", str(tokens.config)] if tokens else []
    shown = ["--tokens", str(tokens.file)] if tokens else []
    with servers.Server("tidings", options=options, path=question.path) as server:
        report = server.bench(*question.measurement.arguments, *shown)
    if report is None:
        sys.exit("a measurement failed; see above")
    return {title: read(report, extract) for title, extract in question.measurement.figures.items()}


def answer(question, tokens, rounds):
    runs = []
    for number in range(rounds):
        first = once(question)
        shown = [once(question, tokens[algorithm]) for algorithm in question.algorithms]
        runs.append([first, *shown, once(question)])
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    for title in question.measurement.figures:
        for at, algorithm in enumerate(question.algorithms):
            pairs = [[run[0], run[1 + at], run[-1]] for run in runs]
            cells = row(title, pairs).removeprefix(f"| {title} ")
            print(f"| {title}, {algorithm} {cells}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=QUESTIONS)
    parser.add_argument("--hub", type=pathlib.Path, required=True, help="the binary, which is the load generator, too")
    parser.add_argument("--subscribers", type=int, help="10,000, or 5,000 that reconnect")
    parser.add_argument("--rounds", type=int, help="3, or 7 of reconnects")
    options = parser.parse_args()
    ask, subscribers, rounds = QUESTIONS[options.question]
    subscribers, rounds = options.subscribers or subscribers, options.rounds or rounds
    servers.LOAD = hub = options.hub.resolve()
    servers.SERVERS["tidings"] = lambda folder, address: [
        str(hub), "serve", "--data", str(folder / "data"), "--listen", address, "--connections-max", "19500",
        "--log-level", "error"]
    questions = ask(subscribers)
    with tempfile.TemporaryDirectory(prefix="bench-access-") as folder:
        algorithms = {algorithm for question in questions for algorithm in question.algorithms}
        tokens = {algorithm: Tokens(hub, pathlib.Path(folder), algorithm, subscribers + TOKENS_BESIDE)
                  for algorithm in algorithms}
        print("| row | anonymous | tokens | tokens / anonymous | anonymous / anonymous (noise) |\n|---|---:|---:|---:|---:|",
              flush=True)
        for question in questions:
            answer(question, tokens, rounds)


if __name__ == "__main__":
    main()
