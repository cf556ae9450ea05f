"""PyPI's httpx-sse, as its README begins."""

import httpx
from httpx_sse import connect_sse

from contract import handed, run, say, url


def main():
    with httpx.Client() as client:
        with connect_sse(client, "GET", url) as event_source:
            say(open=True)
            for sse in event_source.iter_sse():
                handed(sse.event, sse.data, sse.id)


run(main)
