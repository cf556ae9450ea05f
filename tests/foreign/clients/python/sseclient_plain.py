"""PyPI's sseclient, as its README begins. It prints errors to stdout itself, which is no line of the contract."""

from sseclient import SSEClient

from contract import handed, run, url


def main():
    for message in SSEClient(url):
        handed(message.event, message.data, message.id)


run(main)
