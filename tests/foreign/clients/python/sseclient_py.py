"""PyPI's sseclient-py, with requests, as its README begins."""

import requests
import sseclient

from contract import handed, run, say, url


def main():
    response = requests.get(url, stream=True, headers={"Accept": "text/event-stream"})
    say(open=True)
    client = sseclient.SSEClient(response)
    for event in client.events():
        handed(event.event, event.data, event.id)


run(main)
