"""Answers that nobody reads: what they make the hub keep, and for how long."""

import time

from hostile import table
from hostile.attacks import Row
from hostile.crowd import Crowd
from hostile.http2 import Connection
from hostile.hub import Hub
from hostile.watch import Watch

# `write_wait_max` is 60 s, and the hub looks at it now and then.
UNREAD_SECONDS = 75
PAGE_EVENT_BYTES = 1_000_000
PAGE = "/events/pages?limit=1000"


def unread_seconds(context):
    return round(UNREAD_SECONDS * min(1, context.scale + 0.1))


def large(size):
    return b"data: " + b"x" * size + b"\n\n"


def fill_pages(hub):
    """Events that six times as many bytes of JSON say, one for each page."""
    for _ in range(4):
        hub.fill("pages", 1, b"data: " + b"\x01" * PAGE_EVENT_BYTES + b"\n\n")


def facts_of(hub, watch, watched_for):
    kept = hub.memory("VmHWM") - watch.rss_before
    still = hub.memory("VmRSS") - watch.rss_before
    return {"memory at most, over that before": f"{table.mebibytes(kept)} MiB",
            f"after {watched_for} s": f"{table.mebibytes(still)} MiB"}


def unread_pages_h2(context):
    count, wait = context.count(200), unread_seconds(context)
    with Hub(context.binary, memory=False, tls=True) as hub:
        fill_pages(hub)
        with Watch(hub) as watch:
            with Connection(hub, window=0) as connection:
                connection.send(b"".join(connection.open(PAGE, accept="application/json")[1] for _ in range(count)))
                connection.listen(wait)
                facts = facts_of(hub, watch, wait) | {"connection": connection.fate()}
            watch.settle(10)
    yield Row(f"{count:,} unread pages on one connection of HTTP/2 with window 0", facts, watch)


def unread_streams_h2(context):
    """Of an event that was there before, so that each stream reads it from the log for itself."""
    count, wait = context.count(990), unread_seconds(context)
    with Hub(context.binary, memory=False, tls=True) as hub:
        hub.fill("large", 1, large(2**20 - 1))
        with Watch(hub) as watch:
            with Connection(hub, window=0) as connection:
                connection.send(b"".join(connection.open("/events/large?last=1")[1] for _ in range(count)))
                connection.listen(wait)
                facts = facts_of(hub, watch, wait) | {"connection": connection.fate()}
            watch.settle(10)
    yield Row(f"{count:,} unread streams of an event of 1 MiB on one connection of HTTP/2 with window 0", facts, watch)


def page_requests(count):
    return [f"GET {PAGE} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode()] * count


def unread_pages_h1(context):
    count, wait = context.count(250), unread_seconds(context)
    with Hub(context.binary, memory=False) as hub:
        fill_pages(hub)
        with Watch(hub) as watch:
            with Crowd(hub, page_requests(count), mode="stall") as crowd:
                time.sleep(wait)
                facts = facts_of(hub, watch, wait)
            watch.settle(10)
    yield Row(f"{count:,} unread pages over HTTP/1.1", {"answers": outcomes(crowd)} | facts, watch)


def outcomes(crowd):
    return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(crowd.outcomes.items()))


def stream_request(path):
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode()


def own_topics(count):
    """Subscriptions to the large events that differ from each other in another topic."""
    return [stream_request(f"/events?topic=large&topic=other-{number}") for number in range(count)]


def stalled_alike(context):
    count = context.count(5_000)
    yield stalled_same(context, "", [stream_request("/events/large")] * count)


def stalled_apart(context):
    yield stalled_same(context, ", each of another topic, too", own_topics(context.count(5_000)))


def stalled_same(context, what, requests):
    wait = unread_seconds(context)
    with Hub(context.binary) as hub:
        with Watch(hub) as watch:
            with Crowd(hub, requests, mode="stall") as crowd:
                hub.fill("large", 10, large(1_000_000))
                time.sleep(wait)
                facts = facts_of(hub, watch, wait)
            watch.settle(10)
    facts["answers"] = outcomes(crowd)
    return Row(f"{len(requests):,} stalled subscribers of ten events of 1 MB{what}", facts, watch)


def stalled_different(context):
    """Each has an event of its own before it, so that none can share it with another."""
    count, wait = context.count(1_000), unread_seconds(context)
    requests = [stream_request(f"/events/large/{number}") for number in range(count)]
    with Hub(context.binary, memory=False) as hub:
        with Watch(hub) as watch:
            with Crowd(hub, requests, mode="stall") as crowd:
                for number in range(count):
                    hub.fill(f"large/{number}", 1, large(1_000_000))
                time.sleep(wait)
                facts = facts_of(hub, watch, wait)
            watch.settle(10)
    facts["answers"] = outcomes(crowd)
    yield Row(f"{count:,} stalled subscribers, each of an event of 1 MB of its own", facts, watch)
