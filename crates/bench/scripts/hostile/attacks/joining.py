"""Subscriptions to many patterns that join a full window."""

import contextlib
import http.client
import time

from hostile import patterns, table
from hostile.attacks import Row
from hostile.hub import ANSWER_SECONDS_MAX, Hub
from hostile.watch import Watch

TOPICS = 300
EVENTS = 300_000
PATTERNS = 100
# What the hub does for a subscriber may begin after its answer, and is not waited for longer.
WORK_SECONDS_MAX = 120


def nothing(context):
    """What the probes alone show, and so the noise of the machine."""
    with Hub(context.binary) as hub, Watch(hub) as watch:
        time.sleep(10 * min(1, context.scale + 0.2))
    yield Row("nothing but the probes", {}, watch)


def joining(context):
    kinds = {
        "hostile patterns": patterns.hostile(context.rng, PATTERNS),
        "the worst legal patterns": patterns.worst_legal(context.rng, PATTERNS),
        "ordinary patterns": patterns.ordinary(PATTERNS),
        "patterns that match everything": patterns.everything(PATTERNS),
    }
    for kind, selectors in kinds.items():
        yield joined(context, f"one subscriber of {PATTERNS} {kind}", selectors, stays=True)
    for kind in ("hostile patterns", "the worst legal patterns"):
        yield joined(context, f"one subscriber of {PATTERNS} {kind} that leaves at once", kinds[kind], stays=False)


def joined(context, title, selectors, stays):
    events = context.count(EVENTS)
    with Hub(context.binary, "--window-bytes", "256MiB") as hub:
        for topic in patterns.deep(TOPICS):
            hub.fill(topic, -(-events // TOPICS))
        with Watch(hub) as watch, contextlib.closing(hub.client()) as client:
            facts = ask(client, selectors, stays)
            worked = watch.settle(WORK_SECONDS_MAX)
            facts["processor time after " + ("the answer began" if stays else "it left")] = table.duration(worked)
    return Row(f"{title}, {events:,} events in the window", facts, watch)


def ask(client, selectors, stays):
    begun = time.monotonic()
    try:
        client.request("GET", "/events?" + patterns.query(selectors))
        if not stays:
            # Long enough for the hub to have read the request.
            time.sleep(0.05)
            client.close()
            return {}
        answer = client.getresponse()
        # The first block of the stream, or the problem.
        problem = answer.read1(4_096).partition(b"problem:")[2].partition(b'"')[0].decode()
        return {"answer": f"{answer.status} {problem}".strip(), "after": table.duration(time.monotonic() - begun)}
    except (OSError, http.client.HTTPException):
        return {"answer": "none", "after": table.duration(time.monotonic() - begun, ANSWER_SECONDS_MAX)}
