#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws how the hit ratio of a bounded cache depends on its size: docs/hit_ratio.svg."""
import argparse
import csv
import lzma
import math
import subprocess
import sys
from html import escape
from pathlib import Path

from reporting.picture import picture

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "build/benchmark/benchmarks/cachetory_hit_ratio"
PERCENT = [0.5, 1, 2, 3.5, 5, 7, 10, 15, 25, 35, 50]
MADE_UP = [  # title, options of the program
    ("Zipf 0.9", ["--requests", "300000"]),
    ("Zipf 0.9 with scans and one-time keys", ["--requests", "300000", "--once", "0.2", "--scans", "5000"]),
]
LINES = [  # policy, class; the last is drawn on top
    ("best possible", "best"),
    ("random", "dotted"),
    ("FIFO", "plain"),
    ("LRU", "peer"),
    ("cachetory", "ours"),
]


def replay(program, options, requests=None):
    """Returns {policy: [(per cent of the keys, hit ratio)]}."""
    command = [program, "--csv", *options]
    for percent in PERCENT:
        command += ["--percent", str(percent)]
    run = subprocess.run(command, input=requests, stdout=subprocess.PIPE, check=True)
    curves = {}
    for _, policy, _, share, ratio in csv.reader(run.stdout.decode().splitlines()):
        curves.setdefault(policy, []).append((float(share), float(ratio)))
    return curves


def read(file):
    with (lzma.open if file.suffix == ".xz" else open)(file, "rb") as opened:
        return opened.read()


def panel(title, curves, x, y):
    width, height = 330, 170
    first, last = PERCENT[0], PERCENT[-1]
    top = 10 * math.ceil(max(ratio for curve in curves.values() for _, ratio in curve) / 10)
    step = 20 if top > 50 else 10

    def across(share):
        return x + width * math.log(max(share, first) / first) / math.log(last / first)

    def up(ratio):
        return y + height * (1 - ratio / top)

    parts = [f'<text class="panel" x="{x}" y="{y - 12}">{escape(title)}</text>']
    for ratio in range(0, top + 1, step):
        parts.append(f'<path class="axis" d="M{x} {up(ratio):.1f}h{width}"/>')
        parts.append(f'<text class="note right" x="{x - 6}" y="{up(ratio) + 4:.1f}">{ratio}</text>')
    for share in (0.5, 1, 2, 5, 10, 25, 50):
        parts.append(f'<text class="note middle" x="{across(share):.1f}" y="{y + height + 17}">{share:g} %</text>')
    for policy, style in LINES:
        points = " ".join(f"{across(share):.1f},{up(ratio):.1f}" for share, ratio in curves[policy])
        parts.append(f'<polyline class="line {style}" points="{points}"/>')
    return parts


def draw(panels):
    body, x = [], 24
    for policy, style in reversed(LINES):
        body.append(f'<path class="line {style}" d="M{x} 60h24"/>')
        body.append(f'<text class="note" x="{x + 30}" y="64">{escape(policy)}</text>')
        x += 56 + 7 * len(policy)
    for i, (title, curves) in enumerate(panels):
        body += panel(title, curves, 52 + 400 * (i % 2), 118 + 245 * (i // 2))
    bottom = 118 + 245 * ((len(panels) + 1) // 2) - 30
    notes = [
        "Per cent of the requests that were found, against the cache’s size in per cent of the different keys (logarithmic).",
        "Best possible: the cache that knows all future requests.",
    ]
    tenth = PERCENT.index(10)
    summary = ". ".join(
        f"{title}, a cache of 10 % of the keys: "
        + ", ".join(f"{policy} {curves[policy][tenth][1]:.1f} %" for policy, _ in reversed(LINES))
        for title, curves in panels
    )
    return picture("Hit ratio against size: higher is better", summary, 820, bottom, body, notes)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", nargs="*", metavar="TITLE=FILE", help="requests, one key a line; may end in .xz")
    parser.add_argument("--program", default=ROOT / PROGRAM, help=f"default: {PROGRAM}")
    parser.add_argument("--chart", default=ROOT / "docs" / "hit_ratio.svg", help="where to write it")
    args = parser.parse_args()
    program = str(args.program)
    if not Path(program).is_file():
        sys.exit(f"{program} does not exist. Build it first: cmake --preset benchmark && cmake --build build/benchmark --target cachetory_hit_ratio")

    panels = [(title, replay(program, options)) for title, options in MADE_UP]
    for trace in args.traces:
        title, separator, file = trace.partition("=")
        if not separator:
            sys.exit(f"not TITLE=FILE: {trace}")
        panels.append((title, replay(program, ["-"], read(Path(file)))))
    Path(args.chart).parent.mkdir(exist_ok=True)
    Path(args.chart).write_text(draw(panels), encoding="utf-8")
    print(f"written: {args.chart}")


if __name__ == "__main__":
    main()
