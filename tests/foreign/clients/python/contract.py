"""The contract of every client program: `PROGRAM URL [--listen TYPE]... [--parse]`, and one JSON object a line on stdout."""

import argparse
import json
import sys

_parser = argparse.ArgumentParser()
_parser.add_argument("url")
_parser.add_argument("--listen", action="append", default=[])
_parser.add_argument("--parse", action="store_true")
_arguments = _parser.parse_args()
url = _arguments.url


def say(**line):
    print(json.dumps(line), flush=True)


def handed(event, data, id):
    """The library has handed something over. With `--parse`, a `ValueError` goes where the language sends it."""
    if _arguments.parse:
        json.loads(data)
    say(event=event, data=data, id=id)


def run(main):
    """Runs a program to its end, however it ends."""
    try:
        main()
    except Exception as error:
        say(error=f"{type(error).__name__}: {error}")
        say(ended=True)
        sys.exit(1)
    say(ended=True)
