"""The attacks, in the order of the table.

Each is a function of a `Context`. It starts hubs of its own, and yields rows: a title, what it found, and the `Watch` that
measured it.
"""

import dataclasses
import random


@dataclasses.dataclass
class Context:
    """What an attack is given. The same seed makes the same patterns, topics and bodies."""

    binary: str
    # The build that `tidings bench` is taken from.
    load: str
    scale: float
    seed: int

    def __post_init__(self):
        self.rng = random.Random(self.seed)

    def count(self, full):
        return max(1, round(full * self.scale))


@dataclasses.dataclass
class Row:
    title: str
    facts: dict
    watch: object
