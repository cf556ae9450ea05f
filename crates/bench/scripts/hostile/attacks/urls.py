"""The longest URLs."""

import http.client
import time

from hostile import table
from hostile.attacks import Row
from hostile.hub import Hub
from hostile.watch import Watch

REQUESTS = 1_000
TOPIC_BYTES_MAX = 512
HEAD_BYTES_MAX = 65_536


def urls(context):
    long_topics = [f"{number:03}/" + "a" * (TOPIC_BYTES_MAX - 4) for number in range(130)]
    deep_topics = [f"{number:03}" + "/a" * 30 for number in range(130)]
    queries = {
        "100 topics of 512 bytes": long_topics[:100],
        "100 topics of 31 segments": deep_topics[:100],
        "as many topics of 512 bytes as a head of 64 KiB holds": long_topics[:(HEAD_BYTES_MAX - 300) // 520],
        "1,000 topics": [f"t{number}" for number in range(1_000)],
        "one topic, 100 times": ["t"] * 100,
    }
    requests = context.count(REQUESTS)
    for title, topics in queries.items():
        with Hub(context.binary) as hub:
            with Watch(hub) as watch:
                statuses, took = ask(hub, "/events?" + "&".join(f"topic={topic}" for topic in topics), requests)
                cpu = watch.cpu_so_far() / requests
        facts = {"answers": statuses, "p99": table.duration(table.percentile(took, 0.99)),
                 "processor time of each": table.duration(cpu)}
        yield Row(f"{requests:,} pages one after the other of {title}", facts, watch)


def ask(hub, path, requests):
    statuses, took, client = {}, [], hub.client()
    for _ in range(requests):
        begun = time.monotonic()
        try:
            client.request("GET", path, headers={"Accept": "application/json"})
            answer = client.getresponse()
            problem = answer.read().partition(b"problem:")[2].partition(b'"')[0].decode()
            status = f"{answer.status} {problem}".strip()
        except (OSError, http.client.HTTPException) as error:
            client.close()
            status = type(error).__name__
        statuses[status] = statuses.get(status, 0) + 1
        took.append(time.monotonic() - begun)
    client.close()
    return ", ".join(f"{count} × {status}" for status, count in statuses.items()), took
