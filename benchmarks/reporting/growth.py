# SPDX-License-Identifier: MIT
"""docs/growth.svg: how the time of a hit grows with the number of entries."""
import math

from .picture import picture
from .rows import number
from .table import machine

LINES = [  # contender, label, class; the last is drawn on top
    ("bare", "unordered_map", "plain"),
    ("boost_flat", "boost::unordered_flat_map", "dashed"),
    ("ours_concurrent", "cachetory, shared by threads", "ours2"),
    ("ours", "cachetory, one hour to live", "ours"),
]


def growth(results):
    """The picture, or None if nothing in it was measured."""
    curves = {contender: [] for contender, _, _ in LINES}
    for name in results.by_name():
        operation, _, entries, contender = name.split("/")[:4]
        if operation == "growth" and contender in curves:
            curves[contender].append((int(entries), results.time(name)))
    points = sorted(point for curve in curves.values() for point in curve)
    if not points:
        return None
    left, top, width, height = 74, 100, 726, 300
    first, last = points[0][0], max(points[-1][0], 10 * points[0][0])
    low, high = (10 ** edge(math.log10(pick(y for _, y in points))) for edge, pick in ((math.floor, min), (math.ceil, max)))

    def across(entries):
        return left + width * math.log(entries / first) / math.log(last / first)

    def up(time):
        return top + height * (1 - math.log(time / low) / math.log(high / low))

    body, x = [], 24
    for _, label, style in reversed(LINES):
        body.append(f'<path class="line {style}" d="M{x} 60h24"/><text class="note" x="{x + 30}" y="64">{label}</text>')
        x += 50 + 6 * len(label)
    for decade in range(round(math.log10(low)), round(math.log10(high)) + 1):
        y = up(10**decade)
        body.append(f'<path class="axis" d="M{left} {y:.1f}h{width}"/>')
        body.append(f'<text class="note label" x="{left - 6}" y="{y + 4:.1f}">{10 ** decade:,} ns</text>')
    for decade in range(math.ceil(math.log10(first)), math.floor(math.log10(last)) + 1):
        body.append(f'<text class="note middle" x="{across(10 ** decade):.1f}" y="{top + height + 18}">{10 ** decade:,}</text>')
    node = results.counter("memory/k12_v8/100000/ours", "node_bytes")
    for level, size in results.context.get("caches", []) if node else []:
        entries = size / (node + 8)  # a node and its bucket
        if first <= entries <= last:
            at = across(entries)
            body.append(f'<path class="line mark" d="M{at:.1f} {top}v{height}"/>')
            body.append(f'<text class="note" x="{at + 4:.1f}" y="{top + 12}">L{level}: {size // 1024:,} KiB</text>')
    for contender, _, style in LINES:
        line = " ".join(f"{across(entries):.1f},{up(time):.1f}" for entries, time in sorted(curves[contender]))
        body.append(f'<polyline class="line {style}" points="{line}"/>')
    notes = [
        "Nanoseconds of one find, a hit, against the number of entries, both logarithmic; keys in random order. Dotted: where",
        f"cachetory’s entries ({node or 0:.0f} bytes and a bucket) fill a cache of the processor. {machine(results)}.",
    ]
    summary = ". ".join(
        f"{label}: " + ", ".join(f"{entries:,} entries {number(time)} ns" for entries, time in sorted(curves[contender]))
        for contender, label, _ in reversed(LINES)
    )
    return picture("find, hit: what more entries cost", summary, 840, top + height + 42, body, notes)
