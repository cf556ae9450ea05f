"""PyPI's requests and a loop over lines that knows `data:` only, as many scripts have it."""

import requests

from contract import handed, run, say, url


def main():
    with requests.get(url, stream=True) as response:
        say(open=True)
        for line in response.iter_lines(decode_unicode=True):
            if line.startswith("data:"):
                handed(None, line[5:].removeprefix(" "), None)


run(main)
