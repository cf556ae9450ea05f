"""The largest of each thing that a request to an inbox names, and clients that leave before the answer."""

import http.client
import json
import socket
import threading
import time

from hostile import table
from hostile.attacks import Row
from hostile.hub import Hub
from hostile.watch import Watch

USERS_MAX, IDS_MAX, FOLLOWS_MAX, ITEMS = 10_000, 1_000, 1_000, 2_000
USER_BYTES_MAX, BODY_BYTES_MAX, MANY_BODY_BYTES = 200, 8_192, 4_194_304
# Another user's count, asked beside the attack.
BESIDE_SECONDS = 0.02
LIST = {"Accept": "application/json"}


def inboxes(context):
    large = {"title": "t" * 500, "body": "b" * BODY_BYTES_MAX, "data": "d" * (BODY_BYTES_MAX - 2)}
    long_names = [f"{number:0>{USER_BYTES_MAX}}" for number in range(USERS_MAX)]
    far_too_many = json.dumps({"users": ["a"] * ((MANY_BODY_BYTES - 100) // 5), "notification": {"title": "t"}})
    def many(says):
        return json.dumps({"users": long_names, "notification": says})
    # Title, how often, method, path, body, what is there before.
    yield from rows(context, [
        ("calls for 10,000 users with names of 200 bytes", 10, "POST", "/inbox", many({"title": "t"}), None),
        ("calls for 10,000 users, each notification of 17 KB", 10, "POST", "/inbox", many(large), None),
        ("calls with 800,000 names", 100, "POST", "/inbox", far_too_many.replace('", "', '","'), None),
        ("notifications of 17 KB", 1_000, "POST", "/inbox/alice", json.dumps(large), None),
        ("marks of 1,000 ids that are there", 100, "POST", "/inbox/alice/{flip}", "ids", items),
        ("marks of 1,000 ids that are not there", 100, "POST", "/inbox/bob/read", "ids", items),
        ("marks of all of 2,000", 100, "POST", "/inbox/alice/{flip}", '{"all":true}', items),
        ("marks through the newest of 2,000", 100, "POST", "/inbox/alice/{flip}", "through", items),
        ("pages of 200", 500, "GET", "/inbox/alice?limit=200", None, items),
        ("pages of 200 that are of one kind, which nothing is of", 500, "GET", "/inbox/alice?limit=200&kind=none", None, items),
        ("pages of 200 with 17 KB each", 200, "GET", "/inbox/alice?limit=200", None, large_items),
        ("polls that come back to 2,000 changes", 200, "GET", "/inbox/alice?mode=poll&last_event_id={first}", None, items),
        ("notifications of a topic that 10,000 users follow", 10, "POST", "/inbox?topic=orders/9", '{"title":"t"}', followers),
        ("notifications of a topic beside 20,000 patterns", 100, "POST", "/inbox?topic=" + "a/" * 30 + "b", '{"title":"t"}', patterns),
        ("erasures of nobody", 1_000, "DELETE", "/inbox/nobody", None, None),
    ])


def items(context, hub, large=None):
    """2,000 unread ones of alice, and all ids."""
    client, ids = hub.client(), []
    for number in range(context.count(ITEMS)):
        answer, _ = ask(client, "POST", "/inbox/alice", json.dumps(large or {"title": f"number {number}"}))
        ids.append(json.loads(answer)["id"])
    return ids


def large_items(context, hub):
    return items(context, hub, {"title": "t" * 500, "body": "b" * BODY_BYTES_MAX, "data": "d" * (BODY_BYTES_MAX - 2)})


def followers(context, hub):
    client = hub.client(120)
    for number in range(context.count(USERS_MAX)):
        ask(client, "PUT", f"/inbox/user{number}/follows/orders/*")
    return []


def patterns(context, hub):
    """The worst that are legal: wildcards everywhere, and a literal at the end that the topic has not."""
    client = hub.client(120)
    for user in range(20):
        for number in range(context.count(FOLLOWS_MAX)):
            middle = "/".join("*" if number >> bit & 1 else "a" for bit in range(10))
            ask(client, "PUT", f"/inbox/user{user}/follows/**/{middle}/*/*/**/u{user}")
    return []


def rows(context, attacks):
    for title, full, method, path, body, prepare in attacks:
        for leaves in (False, True):
            with Hub(context.binary, memory=False) as hub:
                ids = prepare(context, hub) if prepare else []
                named = {"ids": json.dumps({"ids": ids[-IDS_MAX:]}), "through": json.dumps({"through": ids[-1] if ids else ""})}
                asked = Asked(method, path.replace("{first}", ids[0] if ids else ""), named.get(body, body))
                yield attack(hub, title, context.count(full), asked, leaves)


class Asked:
    def __init__(self, method, path, body):
        self.method, self.path, self.body = method, path, body

    def of(self, number):
        # Every other one changes what the one before has changed.
        return self.method, self.path.replace("{flip}", ("read", "unread")[number % 2]), self.body


def attack(hub, title, count, asked, leaves):
    statuses, took = {}, []
    with Watch(hub) as watch, Beside(hub) as beside:
        if leaves:
            for number in range(count):
                leave(hub, *asked.of(number))
            watch.settle(30)
        else:
            client = hub.client()
            for number in range(count):
                begun = time.monotonic()
                _, status = ask(client, *asked.of(number))
                took.append(time.monotonic() - begun)
                statuses[status] = statuses.get(status, 0) + 1
        cpu = watch.cpu_so_far() / count
    facts = {"processor time of each": table.duration(cpu), "worst count of another user": table.duration(beside.worst)}
    if not leaves:
        facts = {"answers": ", ".join(f"{number} × {status}" for status, number in statuses.items()),
                 "p99": table.duration(table.percentile(took, 0.99))} | facts
    return Row(f"{count:,} {title}" + (", whose clients leave at once" if leaves else ""), facts, watch)


def ask(client, method, path, body=None):
    """The body of the answer, and its status with the type of a problem."""
    try:
        headers = LIST if method == "GET" and "mode=" not in path else {"Accept": "*/*"}
        client.request(method, path, body, headers | ({"Content-Type": "application/json"} if body else {}))
        answer = client.getresponse()
        text = answer.read()
        problem = text.partition(b"problem:")[2].partition(b'"')[0].decode() if answer.status >= 400 else ""
        return text, f"{answer.status} {problem}".strip()
    except (OSError, http.client.HTTPException) as error:
        client.close()
        return b"", type(error).__name__


def leave(hub, method, path, body):
    """Sends a whole request, and closes the connection without a look at the answer."""
    data = (body or "").encode()
    accept = "*/*" if "mode=" in path else "application/json"
    head = (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n")
    stream = hub.connect()
    try:
        stream.sendall(head.encode() + data)
        stream.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    stream.close()


class Beside:
    """The worst time of another user's count, for the time of a block."""

    def __init__(self, hub):
        self.client, self.worst, self.is_over = hub.client(), 0, threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def _ask(self):
        while not self.is_over.wait(BESIDE_SECONDS):
            begun = time.monotonic()
            ask(self.client, "GET", "/inbox/bystander/count")
            self.worst = max(self.worst, time.monotonic() - begun)
