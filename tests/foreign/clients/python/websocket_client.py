"""websockets: connects to the first argument, prints each message as a line, and sends each line of stdin."""

import asyncio
import json
import os
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def main():
    async with connect(sys.argv[1], subprotocols=["tidings.v1"], max_size=None) as socket:
        print(json.dumps({"protocol": socket.subprotocol}), flush=True)

        async def send():
            while line := await asyncio.to_thread(sys.stdin.readline):
                await socket.send(line.rstrip("\n"))
            await socket.close()

        sending = asyncio.create_task(send())
        try:
            while True:
                print(await socket.recv(), flush=True)
        except ConnectionClosed:
            print(json.dumps({"closed": socket.close_code}), flush=True)
        sending.cancel()
        # The thread that reads stdin cannot be cancelled.
        os._exit(0)


asyncio.run(main())
