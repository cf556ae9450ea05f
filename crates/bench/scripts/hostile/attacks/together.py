"""Stalled subscribers, unread pages and bodies that stop, at once, beside subscribers who read."""

import json
import subprocess
import time

from hostile import table
from hostile.attacks import Row
from hostile.attacks.bodies import BODY_BYTES, MISSING_BYTES, body_requests, states
from hostile.attacks.unread import facts_of, fill_pages, large, outcomes, own_topics, page_requests
from hostile.crowd import Crowd
from hostile.hub import Hub
from hostile.watch import Watch

HONEST = 100
RATE = 50
EVENTS = 1_000
BENCH_SECONDS_MAX = 120


def together(context):
    stalled, pages, bodies = (context.count(full) for full in (1_000, 200, 700))
    with Hub(context.binary, memory=False) as hub:
        fill_pages(hub)
        # Beside the same probes, which take their part of the processors.
        with Watch(hub):
            alone = honest(context, hub)
        with Watch(hub) as watch:
            with Crowd(hub, own_topics(stalled), mode="stall"):
                hub.fill("large", 10, large(1_000_000))
                with Crowd(hub, page_requests(pages), mode="stall") as unread, \
                        Crowd(hub, body_requests(bodies, BODY_BYTES - MISSING_BYTES), mode="hold") as half_sent:
                    among = honest(context, hub)
                    facts = {"pages": outcomes(unread), "bodies": states(half_sent)}
                    facts |= facts_of(hub, watch, round(time.monotonic() - watch.begun))
            watch.settle(10)
    for place, name in ((0, "p50"), (1, "p99")):
        if not (alone and among):
            facts[f"{name} of the others"] = "not all events came"
            continue
        before, meanwhile = alone[place] / 1e6, among[place] / 1e6
        facts[f"{name} of the others"] = (f"{table.duration(before)} before, {table.duration(meanwhile)} meanwhile "
                                          f"({meanwhile / before:.1f} times)")
    yield Row(f"{stalled:,} stalled subscribers of events of 1 MB, {pages} unread pages and {bodies} bodies that stop; "
              f"beside {HONEST} subscribers that read {RATE} events a second", facts, watch)


def honest(context, hub):
    """Percentiles in microseconds of the time from when an event was due to when each subscriber had it."""
    url = f"http://127.0.0.1:{hub.port}/events/honest"
    command = [context.load, "bench", "fanout", url, "--subscribers", str(HONEST), "--rate", str(RATE), "--events",
               str(max(100, context.count(EVENTS))), "--warm-up", "20", "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BENCH_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout)["latency_us"] if done.returncode == 0 else None
