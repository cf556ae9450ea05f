"""Reads of the log by pattern, with a million topics on the disk, and from an id that a million events have."""

import http.client
import time

from hostile import patterns, table
from hostile.attacks import Row
from hostile.hub import ANSWER_SECONDS_MAX, Hub
from hostile.watch import Watch

TOPICS = 1_000_000
SAME_IDS = 1_000_000
# Of a million topics 1,000 match the first, 10 the second and third, and none the last.
QUERIES = ["**/x9", "*/x", "a/*", "**/none"]
WORST = "100 of the worst legal patterns"
WAYS = {
    "page": ({"Accept": "application/json"}, "limit=100"),
    "last=5": ({"Accept": "application/json"}, "last=5"),
    "stream": ({"Accept": "text/event-stream"}, "since=earliest"),
}
# The hub may go on with a read that nobody waits for any more.
SETTLE_SECONDS_MAX = 60


def topics(count):
    """`t/N/xM` with M below 1,000, but for one of 100,000 each of `a/N` and `N/x`."""
    for number in range(count):
        match number % 100_000:
            case 7:
                yield f"a/{number}"
            case 8:
                yield f"{number}/x"
            case _:
                yield f"t/{number}/x{number % 1_000}"


def reading(context):
    count = context.count(TOPICS)
    paths = {f"`{selector}`": f"/events/{selector}?" for selector in QUERIES}
    paths[WORST] = f"/events?{patterns.query(patterns.worst_legal(context.rng, 100))}&"
    with Hub(context.binary, "--heartbeat", "2s", memory=False) as hub:
        hub.fill_topics(list(topics(count)))
        for way, (headers, parameters) in WAYS.items():
            with Watch(hub) as watch:
                facts = {}
                for what, path in paths.items():
                    facts[what] = first_bytes(hub, path + parameters, headers)
                    watch.settle(SETTLE_SECONDS_MAX)
            yield Row(f"patterns as {way}, {count:,} topics of one event on the disk", facts, watch)


def same_id(context):
    count = context.count(SAME_IDS)
    worst = patterns.query(patterns.worst_legal(context.rng, 100))
    paths = {"another topic": "/events/elsewhere", WORST: f"/events?{worst}"}
    for memory in (True, False):
        with Hub(context.binary, "--heartbeat", "2s", memory=memory) as hub:
            hub.fill("same", count, b"id: same\ndata: x\n\n")
            with Watch(hub) as watch:
                facts = {}
                for what, path in paths.items():
                    for way in ("page", "stream"):
                        headers = WAYS[way][0] | {"Last-Event-ID": "same"}
                        facts[f"{way} of {what}"] = first_bytes(hub, path, headers)
                        watch.settle(SETTLE_SECONDS_MAX)
        where = "in memory" if memory else "on the disk"
        yield Row(f"{count:,} events with one id {where}, resumed elsewhere", facts, watch)


def first_bytes(hub, path, headers):
    """The time to the first event, or the end of the page, as text."""
    client, begun = hub.client(), time.monotonic()
    try:
        client.request("GET", path, headers=headers)
        answer = client.getresponse()
        if headers["Accept"] == "application/json":
            said = answer.read()
            notes = [] if answer.status == 200 else [str(answer.status)]
            notes += [name for name in ("more", "partial") if b'"%s":true' % name.encode() in said]
            return " ".join([table.duration(time.monotonic() - begun), *notes])
        said = b""
        while b"data:" not in said and time.monotonic() - begun < ANSWER_SECONDS_MAX:
            piece = answer.read1(1 << 16)
            said += piece
            # A heartbeat comes where there is no event for this subscriber, or none yet.
            if not piece or said.count(b"\n\n") > 1 and b"data:" not in said:
                return f"no event for {table.duration(time.monotonic() - begun)}"
        return table.duration(time.monotonic() - begun)
    except (OSError, http.client.HTTPException):
        return table.duration(time.monotonic() - begun, ANSWER_SECONDS_MAX * 0.99)
    finally:
        client.close()
