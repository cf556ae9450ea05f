"""Hostile, legal and ordinary patterns, and the topics that nearly match them."""

SEGMENTS_MAX = 64
ANY_SEGMENTS_MAX = 3
WILDCARDS_MAX = 16


def hostile(rng, count):
    """`**/a/**/a/...` of 20 to 60 segments, each with an end of its own that no topic has."""
    patterns = []
    for number in range(count):
        pairs = rng.randint(10, 29)
        patterns.append("**/a/" * pairs + f"z{number}")
    return patterns


def worst_legal(rng, count):
    """Three `**`, 13 `*` and otherwise `a`: as much choice as a pattern may offer. One segment that no topic has stands
    near the end, or all would match."""
    patterns = []
    while len(patterns) < count:
        length = rng.randint(40, SEGMENTS_MAX)
        segments = ["a"] * length
        places = rng.sample(range(length), WILDCARDS_MAX)
        for place in places[:ANY_SEGMENTS_MAX]:
            segments[place] = "**"
        for place in places[ANY_SEGMENTS_MAX:]:
            segments[place] = "*"
        segments[length - 1 - rng.randrange(4)] = "z"
        patterns.append("/".join(segments))
    return patterns


def ordinary(count):
    return [f"orders/{number}/*" if number % 2 else f"orders/{number}/**" for number in range(count)]


def everything(count):
    """Different patterns, all of which match the topics of `deep`."""
    patterns = [begin + before * "*/" + "**" + after * "/*"
                for begin in ("", "a/", "a/a/", "*/a/") for before in range(5) for after in range(5)]
    return patterns[:count]


def deep(count):
    """Topics of 10 segments, of which all but the last are `a`."""
    return ["a/" * 9 + f"n{number}" for number in range(count)]


def nearly(rng, topic_number=None):
    """A topic of 64 segments that the worst patterns match up to their last segments."""
    segments = ["a"] * SEGMENTS_MAX
    if topic_number is not None:
        segments[rng.randrange(SEGMENTS_MAX)] = f"n{topic_number}"
    return "/".join(segments)


def query(selectors):
    return "&".join("topic=" + selector for selector in selectors)
