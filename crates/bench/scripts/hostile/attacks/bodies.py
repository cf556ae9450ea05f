"""Bodies that do not come to their end."""

import time

from hostile.attacks import Row
from hostile.attacks.unread import facts_of
from hostile.crowd import Crowd
from hostile.hub import Hub
from hostile.watch import Watch

BODY_BYTES = 2**20
# `body_wait_max` is 30 s.
BODY_SECONDS = 45
MISSING_BYTES = 10


def body_requests(count, sent):
    head = f"POST /events/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode()
    return [head + b"x" * sent] * count


def states(crowd):
    return ", ".join(f"{count:,} {state}" for state, count in sorted(crowd.states().items()))


def stopped(context):
    yield held(context, "that stop before their last bytes", BODY_BYTES - MISSING_BYTES, "hold")


def dripping(context):
    yield held(context, "that go on with one byte a second after half of them", BODY_BYTES // 2, "drip")


def held(context, title, sent, mode):
    count, wait = context.count(700), round(BODY_SECONDS * min(1, context.scale + 0.1))
    with Hub(context.binary) as hub:
        with Watch(hub) as watch:
            with Crowd(hub, body_requests(count, sent), mode=mode) as crowd:
                facts = {"sent": ", ".join(f"{number:,} {outcome}" for outcome, number in crowd.outcomes.items())}
                time.sleep(10)
                facts["connections after 10 s"] = states(crowd)
                time.sleep(wait)
                facts[f"after {wait + 10} s"] = states(crowd)
                facts |= facts_of(hub, watch, wait + 10)
            watch.settle(10)
    return Row(f"{count:,} bodies of 1 MiB {title}", facts, watch)
