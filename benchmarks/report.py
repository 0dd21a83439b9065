#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the benchmarks, and writes the table of docs/benchmarks.md, the figures of the README, benchmarks/chart.svg
and docs/growth.svg. docs/benchmarks.md says how it measures. Ctrl-C stops it early: it then prints what it has measured."""
import argparse
import os
import sys
from pathlib import Path

from reporting import rows
from reporting.chart import chart, drawn
from reporting.growth import growth
from reporting.measure import measure
from reporting.ratios import Results
from reporting.table import readme, table

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "build/benchmark/benchmarks/cachetory_benchmarks"
BEGIN, END = "<!-- benchmarks: begin -->\n", "<!-- benchmarks: end -->\n"


def replaced(page, text):
    """The page with `text` between the marks."""
    whole = page.read_text(encoding="utf-8")
    if whole.count(BEGIN) != 1 or whole.count(END) != 1 or whole.index(BEGIN) > whole.index(END):
        sys.exit(f"{page} has no place for the figures: add these lines, or use --print\n{BEGIN}{END}")
    return whole.split(BEGIN)[0] + BEGIN + text + END + whole.split(END)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=ROOT / PROGRAM, help=f"the benchmarks; default: {PROGRAM}")
    parser.add_argument("--quick", action="store_true", help="takes about a minute instead of a quarter of an hour, with rougher figures; implies --print")
    parser.add_argument("--print", action="store_true", help="only print the table; do not write the pages")
    parser.add_argument("--only", metavar="REGEX", default="", help="measure only what matches, for example ^find_hit/; implies --print")
    parser.add_argument("--save", metavar="FILE", help="keep all that was measured, as JSON")
    parser.add_argument("--read", metavar="FILE", help="measure nothing: report on what --save kept")
    parser.add_argument("--pictures", metavar="FOLDER", help="write the pictures there instead")
    args = parser.parse_args()
    pages = ((ROOT / "docs/benchmarks.md", table), (ROOT / "README.md", readme))
    if not args.print:
        for page, _ in pages:
            replaced(page, "")  # fails now rather than in the end

    if args.read:
        results = Results.read(args.read)
    else:
        program = str(args.program)
        if not os.access(program, os.X_OK):
            sys.exit(f"{program} does not exist. Build it first: cmake --workflow --preset benchmark")
        results = Results()
        measure(program, rows.wanted() | drawn(), (rows.counted(1_000), rows.counted_among_many()), args.quick, args.only, results)
    if args.save:
        results.write(args.save)
    for failure in results.failures():
        print(f"failed: {failure}", file=sys.stderr)
    if not results.by_name():
        sys.exit("nothing was measured")

    if args.print or args.quick or args.only or not results.complete:
        print(table(results) + "\n" + readme(results), end="")
    else:
        for page, write in pages:
            page.write_text(replaced(page, write(results)), encoding="utf-8")
            print(f"written: {page}")
        args.pictures = args.pictures or ""
    for name, draw in (("benchmarks/chart.svg", chart), ("docs/growth.svg", growth)):
        drawing = draw(results) if args.pictures is not None else None
        if drawing:
            target = Path(args.pictures) / Path(name).name if args.pictures else ROOT / name
            target.write_text(drawing, encoding="utf-8")
            print(f"written: {target}")
    sys.exit(1 if results.failures() else 0)


if __name__ == "__main__":
    main()
