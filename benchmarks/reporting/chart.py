# SPDX-License-Identifier: MIT
"""chart.svg: bars of the time of an operation, from the numbers that the table shows."""
from html import escape

from .picture import picture
from .rows import number, times
from .table import machine

CHART_SHAPE = "k12_v8/100000"
PANELS = [  # title, operation
    ("find, hit, one hour to live", "find_hit"),
    ("find, miss", "find_miss"),
    ("set over an entry, one hour to live", "overwrite"),
    ("set into an empty cache, one hour to live, and destroying it", "insert"),
]
BARS = [  # contender, label, class
    ("ours", "cachetory", "ours"),
    ("ours_bounded", "cachetory, bounded", "ours2"),
    ("ours_concurrent", "cachetory, concurrent", "ours2"),
    ("hand_written", "unordered_map + mutex + now()", "peer"),
    ("tbb", "tbb::concurrent_hash_map + now()", "peer"),
    ("boost_concurrent", "boost::concurrent_flat_map + now()", "peer"),
    ("poco", "Poco::UniqueExpireCache", "peer"),
    ("bare", "unordered_map", "plain"),
    ("boost_flat", "boost::unordered_flat_map", "plain"),
]
LEGEND = [  # place, class, text
    (24, "ours", "cachetory"),
    (114, "ours2", "cachetory, bounded or shared by threads"),
    (369, "peer", "others with expiry and a lock"),
    (568, "plain", "for reference: neither expiry nor a lock"),
]


def drawn():
    """The benchmarks that the chart shows."""
    return {f"{operation}/{CHART_SHAPE}/{contender}" for _, operation in PANELS for contender, _, _ in BARS}


def chart(results):
    width, left, right, pitch, thick = 840, 264, 690, 23, 15
    panels = []
    for title, operation in PANELS:
        names = [(label, style, f"{operation}/{CHART_SHAPE}/{contender}") for contender, label, style in BARS]
        bars = [(label, style, results.time(name)) for label, style, name in names if results.time(name)]
        if bars:
            panels.append((title, bars))
    if not panels:
        return None

    body, y = [], 100
    for title, bars in panels:
        longest = sorted(taken for _, _, taken in bars)
        # One bar that would dwarf all others is broken off, and says so.
        cut = len(longest) > 2 and longest[-1] > 1.8 * longest[-2]
        scale = (right - left) * (0.66 if cut else 1) / longest[-2 if cut else -1]
        body.append(f'<text class="panel" x="24" y="{y}">{escape(title)}</text>')
        top = y + 12
        y = top
        for label, style, taken in bars:
            middle = y + thick / 2
            length = min(taken * scale, right - left)
            strong = " strong" if style == "ours" else ""
            body.append(f'<text class="label{strong}" x="{left - 10}" y="{middle + 4.5:.1f}">{escape(label)}</text>')
            radius = min(3, length / 2)
            end = f"q{radius} 0 {radius} {radius}v{thick - 2 * radius}q0 {radius} -{radius} {radius}"
            if taken * scale <= right - left:
                shape = f"M{left} {y}h{length - radius:.1f}{end}H{left}z"
            else:  # two pieces, torn apart
                x = left + (right - left) * 0.88
                shape = f"M{left} {y}H{x:.1f}l4 5l-5 5l4 5H{left}zM{x + 5:.1f} {y}H{right - radius}{end}H{x + 8:.1f}l-4-5l5-5z"
            body.append(f'<path class="bar {style}" d="{shape}"/>')
            more = "" if label == bars[0][0] else f'<tspan class="note" dx="7">{times(taken / bars[0][2])}</tspan>'
            body.append(
                f'<text class="value{strong}" x="{left + length + 8:.1f}" y="{middle + 4.5:.1f}">'
                f"{number(taken)} ns{more}</text>"
            )
            y += pitch
        body.append(f'<path class="axis" d="M{left - .5} {top - 4}V{y - pitch + thick + 4}"/>')
        y += 30

    summary = ". ".join(
        f"{title}: " + ", ".join(f"{label} {number(taken)} ns" for label, _, taken in bars) for title, bars in panels
    )
    legend = []
    for x, style, text in LEGEND:
        legend.append(f'<rect class="bar {style}" x="{x}" y="54" width="11" height="11" rx="2"/>')
        legend.append(f'<text class="note" x="{x + 16}" y="64">{text}</text>')
    notes = [
        "× is the median ratio to the first bar’s time in the same turn. CPU time of one operation, one thread;",
        f"100,000 entries, 12-byte keys in random order, 8-byte values. {machine(results)}.",
    ]
    title = "Time per operation, in nanoseconds: shorter is better"
    return picture(title, summary, width, y, legend + body, notes)
