"""Many subscribers of patterns that do not match: what a publish costs."""

import http.client
import time

from hostile import patterns, table
from hostile.attacks import Row
from hostile.crowd import Crowd
from hostile.hub import Hub
from hostile.watch import Subscriber, Watch

PUBLISHES = 2_000
# A hub for which each publish is work for all patterns is not asked for all of them.
PUBLISH_SECONDS_MAX = 15
# A crowd that the hub takes slowly is not waited for any longer.
GATHER_SECONDS_MAX = 180
SUBSCRIBERS = 10_000
SETTLE_SECONDS_MAX = 30
# A build that bounds the selectors of all subscribers is told to take as many as this attack brings.
SETTINGS = [("--selectors-max", "1100000")]


def subscribed(context):
    many, each = context.count(900), 100
    mixed = [patterns.ordinary(many * each)[number * each:(number + 1) * each] for number in range(many)]
    mixed += [[f"others/{number}/*"] for number in range(context.count(9_000))]
    yield from crowd_of(context, f"{many:,} subscribers of {each} patterns and {len(mixed) - many:,} of one", mixed)

    count = context.count(SUBSCRIBERS)
    ordinary = [[pattern] for pattern in patterns.ordinary(count)]
    yield from crowd_of(context, f"{count:,} subscribers of different ordinary patterns", ordinary)
    worst = [[pattern] for pattern in patterns.worst_legal(context.rng, count)]
    yield from crowd_of(context, f"{count:,} subscribers of the worst legal patterns", worst)

    selectors = patterns.ordinary(count * each)
    million = [selectors[number * each:(number + 1) * each] for number in range(count)]
    yield from crowd_of(context, f"{count * each:,} selectors, {each} for each of {count:,} subscribers", million)


def crowd_of(context, title, of_subscribers):
    """One topic again and again, then a new topic each time: to a hub without them, and to one with them. Its window is
    empty when they come, or joining it would be measured, too."""
    requests = [b"GET /events?%s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
                % patterns.query(selectors).encode() for selectors in of_subscribers]
    selectors = sum(map(len, of_subscribers))
    with Hub(context.binary, if_known=SETTINGS) as hub:
        # The first ones are slower.
        Publishes(hub, context, new_topics=False)
        alone = [Publishes(hub, context, new_topics) for new_topics in (False, True)]
    with Hub(context.binary, if_known=SETTINGS) as hub:
        with Watch(hub, without=["publish", "delivery"]) as watch:
            with Crowd(hub, requests, seconds_max=GATHER_SECONDS_MAX) as crowd:
                watch.settle(SETTLE_SECONDS_MAX)
                opening = watch.cpu_so_far()
                each = (hub.memory("VmRSS") - watch.rss_before) / selectors
                Publishes(hub, context, new_topics=False)
                among = [Publishes(hub, context, new_topics) for new_topics in (False, True)]
    facts = {"subscribers": f"{crowd.opened:,} in {table.duration(crowd.seconds)}"}
    if crowd.refusals():
        facts["others"] = ", ".join(f"{count:,} {outcome}" for outcome, count in crowd.refusals().items())
    facts |= {"processor time to open": table.duration(opening), "bytes for each selector": f"{each:,.0f}"}
    for kind, none, all_of_them in zip(("one topic", "new topics"), alone, among):
        facts |= all_of_them.compared_with(none, kind)
    yield Row(title, facts, watch)


class Publishes:
    """Publishes to topics of 64 segments, each when a subscriber of everything has the event before. So nothing that the
    hub does for an event is left over for later, and the processor time is complete."""

    def __init__(self, hub, context, new_topics):
        client, reader, took = hub.client(), Subscriber(hub, "/events/**"), []
        cpu, begun = hub.cpu_seconds(), time.monotonic()
        try:
            for number in range(PUBLISHES):
                topic = patterns.nearly(context.rng, number if new_topics else None)
                asked = time.monotonic()
                client.request("POST", f"/events/{topic}", b"x")
                client.getresponse().read()
                reader.wait_for_event()
                took.append(time.monotonic() - asked)
                if time.monotonic() - begun > PUBLISH_SECONDS_MAX:
                    break
        except (OSError, http.client.HTTPException):
            took.append(time.monotonic() - asked)
        client.close()
        reader.close()
        self.cpu = (hub.cpu_seconds() - cpu) / len(took)
        self.median, self.p99 = table.percentile(took, 0.5), table.percentile(took, 0.99)

    def compared_with(self, alone, kind):
        def ratio(one, other):
            return f" ({one / other:,.1f} times)" if other else ""
        return {
            f"publish and delivery p50, {kind}": table.duration(self.median) + ratio(self.median, alone.median),
            f"p99, {kind}": table.duration(self.p99) + ratio(self.p99, alone.p99),
            f"processor time of each, {kind}": table.duration(self.cpu) + ratio(self.cpu, alone.cpu),
        }
