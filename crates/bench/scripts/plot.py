#!/usr/bin/env python3
"""Draws what compare.py has written, as plain SVG: fanout-cost, fanout-in-flight and fanout-memory.

Every colour is given, the background too, so that the pictures look the same on a dark page. Needs nothing but Python.

    python3 crates/bench/scripts/compare.py --out /tmp/figures.json
    python3 crates/bench/scripts/plot.py /tmp/figures.json [--out docs/images]
"""

import argparse
import json
import math
import pathlib
import re
import statistics
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
PAPER, INK, FAINT, RULE = "#ffffff", "#1f2328", "#59636e", "#d8dee4"
# Colours that people who confuse red and green can tell apart; the hub's is the strongest.
COLOURS = {
    "limit": "#6e7781",
    "limit, coalescing": "#8250df",
    "limit, fdatasync": "#a0522d",
    "limit, io_uring": "#1b9aaa",
    "axum Sse": "#b8860b",
    "Nchan": "#2f7d5b",
    "tidings": "#0b57d0",
}
NAMES = {
    "limit": "bare loop",
    "limit, coalescing": "bare loop, coalescing",
    "limit, fdatasync": "bare loop, fdatasync",
    "limit, io_uring": "bare loop, io_uring",
    "axum Sse": "axum Sse + broadcast",
}
WIDTH, HEIGHT = 760, 420
COST = re.compile(r"us per delivery, ([\d,]+) subscribers$")


class Drawing:
    """Lines of an SVG file."""

    def __init__(self, title, height):
        self.lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            f' font-family="system-ui, \'Segoe UI\', \'DejaVu Sans\', sans-serif" role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
        ]
        self.text(24, 34, title, size=17, weight=600)

    def text(self, x, y, words, size=13, weight=400, anchor="start", colour=INK):
        self.lines.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
            f' fill="{colour}">{escape(words)}</text>')

    def line(self, x1, y1, x2, y2, colour=RULE, width=1):
        self.lines.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>')

    def path(self, points, colour, width):
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.lines.append(
            f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>')

    def dot(self, x, y, colour):
        self.lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')

    def bar(self, x, y, width, height, colour):
        self.lines.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1.5):.1f}" height="{height}" rx="2" fill="{colour}"/>')

    def write(self, path):
        path.write_text("\n".join([*self.lines, "</svg>"]) + "\n")


def medians(figures, wanted):
    """The medians of the rounds, by server, of the one column that is wanted."""
    found = {}
    for server, row in figures.items():
        for title, values in row.items():
            if values and wanted(title):
                found[server] = statistics.median(values)
    return found


def name(server):
    return NAMES.get(server, server)


def colour(server):
    return COLOURS.get(server, "#a0342b")


def number(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def ticks(top):
    """Round numbers from nothing to a little above the top, five or so."""
    step = 10 ** math.floor(math.log10(top / 4))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if step * factor * 5 >= top)
    return [step * count for count in range(math.ceil(top / step) + 1)]


def apart(labels, gap):
    """Moves labels down until none hides another."""
    placed = []
    for y, server in sorted(labels):
        placed.append((max(y, placed[-1][0] + gap) if placed else y, server))
    return placed


def cost_lines(figures):
    """One line per server: server name, then (subscribers, microseconds) in rising order."""
    lines = {}
    for server, row in figures.items():
        points = [(int(found[1].replace(",", "")), statistics.median(values))
                  for title, values in row.items() if values and (found := COST.match(title))]
        if points:
            lines[server] = sorted(points)
    return lines


def draw_cost(figures, path):
    lines = cost_lines(figures)
    counts = sorted({count for points in lines.values() for count, _ in points})
    if len(counts) < 2:
        return print("there are not two numbers of subscribers: fanout-cost is not drawn")
    drawing = Drawing("Server time on the processor per delivered event", HEIGHT)
    drawing.text(24, 56, "microseconds; events of 128 bytes, one in flight; less is better", colour=FAINT)
    left, right, top, bottom = 64, WIDTH - 230, 84, HEIGHT - 62
    scale = ticks(max(cost for points in lines.values() for _, cost in points))
    low, high = math.log10(counts[0]), math.log10(counts[-1])
    across = lambda count: left + (right - left) * (math.log10(count) - low) / (high - low)
    down = lambda cost: bottom - (bottom - top) * cost / scale[-1]
    for tick in scale:
        drawing.line(left, down(tick), right, down(tick))
        drawing.text(left - 10, down(tick) + 4, f"{tick:g}", anchor="end", colour=FAINT)
    for count in counts:
        drawing.line(across(count), bottom, across(count), bottom + 6, colour=FAINT)
        drawing.text(across(count), bottom + 23, f"{count:,}", anchor="middle", colour=FAINT)
    drawing.text((left + right) / 2, HEIGHT - 16, "subscribers", anchor="middle", colour=FAINT)
    for server, points in lines.items():
        width = 3.5 if server == "tidings" else 2
        drawing.path([(across(count), down(cost)) for count, cost in points], colour(server), width)
        for count, cost in points:
            drawing.dot(across(count), down(cost), colour(server))
    ends = [(down(points[-1][1]), server) for server, points in lines.items()]
    for y, server in apart(ends, 18):
        weight = 700 if server == "tidings" else 500
        drawing.text(right + 12, y + 4, f"{name(server)}  {number(lines[server][-1][1])}", weight=weight, colour=colour(server))
    drawing.write(path)


def draw_bars(values, title, subtitle, path):
    if not values:
        return print(f"there are no figures for it: {path.stem} is not drawn")
    row, top = 40, 78
    drawing = Drawing(title, top + row * len(values) + 22)
    drawing.text(24, 56, subtitle, colour=FAINT)
    left, right = 200, WIDTH - 96
    for index, (server, value) in enumerate(sorted(values.items(), key=lambda item: item[1])):
        y = top + row * index
        weight = 700 if server == "tidings" else 400
        drawing.text(left - 12, y + 19, name(server), anchor="end", weight=weight)
        length = (right - left) * value / max(values.values())
        drawing.bar(left, y + 2, length, 24, colour(server))
        drawing.text(left + length + 10, y + 19, number(value), weight=weight)
    drawing.write(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=pathlib.Path, help="what `compare.py --out` has written")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/images", help="folder for the pictures")
    options = parser.parse_args()
    figures = json.loads(options.figures.read_text())
    options.out.mkdir(parents=True, exist_ok=True)
    draw_cost(figures, options.out / "fanout-cost.svg")
    draw_bars(
        medians(figures, lambda title: title.endswith("in flight")),
        "Server time on the processor per delivered event, 64 in flight",
        "microseconds; 1,000 subscribers, events of 128 bytes; less is better", options.out / "fanout-in-flight.svg")
    draw_bars(
        medians(figures, lambda title: title.startswith("bytes per idle connection")),
        "Server memory per idle connection",
        "bytes of the process; 15,000 subscribers that receive nothing; less is better", options.out / "fanout-memory.svg")


if __name__ == "__main__":
    main()
