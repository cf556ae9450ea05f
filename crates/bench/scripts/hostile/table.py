"""Figures as text, and the rows of the table."""

HEADINGS = ["attack", "what it did", "processor time of the hub", "memory before, peak, after (MiB)", "worst healthz",
            "worst publish", "worst delivery", "worst page", "worst last=5"]
PROBES = ["healthz", "publish", "delivery", "page", "last=5"]


def duration(seconds, limit=None):
    if limit is not None and seconds >= limit:
        return f"more than {limit:g} s"
    if seconds >= 0.995:
        return f"{seconds:.1f} s"
    return f"{seconds * 1_000:.0f} ms" if seconds >= 0.0099 else f"{seconds * 1_000:.2f} ms"


def mebibytes(count):
    return f"{count / 2**20:,.0f}"


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def cells(watch, facts, limit):
    """The cells of one build: a list of facts, then one text each."""
    probes = []
    for name in PROBES:
        if name not in watch.worst:
            probes.append("")
            continue
        failed = f", {watch.failed[name]} failed" if watch.failed[name] else ""
        probes.append(duration(watch.worst[name], limit) + failed)
    memory = ", ".join(mebibytes(count) for count in (watch.rss_before, watch.rss_peak, watch.rss_after))
    if not watch.survived:
        facts = facts | {"the hub": "has ended"}
    return [facts, f"{duration(watch.cpu)} in {duration(watch.seconds)}", memory, *probes]


def header():
    return "| " + " | ".join(HEADINGS) + " |\n|" + "---|" * len(HEADINGS)


def row(title, of_builds):
    """`of_builds` are the cells of the old build, if there is one, and those of the hub."""
    facts = []
    for name in dict.fromkeys(name for cells in of_builds for name in cells[0]):
        facts.append(f"{name}: {beside([cells[0].get(name, '-') for cells in of_builds])}")
    columns = [beside(list(texts)) for texts in zip(*(cells[1:] for cells in of_builds))]
    return "| " + " | ".join([title, "<br>".join(facts), *columns]) + " |"


def beside(texts):
    if len(texts) == 1:
        return texts[0]
    return " → ".join(text or "-" for text in texts) if any(texts) else ""
