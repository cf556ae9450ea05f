"""PyPI's launchdarkly-eventsource, with its default error strategy."""

from ld_eventsource import SSEClient

from contract import handed, run, url


def main():
    with SSEClient(url) as client:
        for event in client.events:
            handed(event.event, event.data, event.id)


run(main)
