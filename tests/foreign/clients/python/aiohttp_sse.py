"""PyPI's aiohttp-sse-client, as its README begins."""

import asyncio

from aiohttp_sse_client import client as sse_client

from contract import handed, run, say, url


async def listen():
    async with sse_client.EventSource(url) as event_source:
        say(open=True)
        async for event in event_source:
            handed(event.type, event.data, event.last_event_id)


run(lambda: asyncio.run(listen()))
