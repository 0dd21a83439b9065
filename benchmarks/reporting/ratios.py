# SPDX-License-Identifier: MIT
"""What was measured, and the one statistic that table and charts show.

A ratio of two contenders is the median of the ratios of their times in the same turn: the machine
changes its speed several times a second, but seldom within a turn. It is taken of logarithms, so that
ratio(a, b) is 1 / ratio(b, a). A time is the median time of the comparison's baseline, multiplied by
the ratio to it: so times and ratios cannot contradict each other.
"""
import json
import math
import statistics
from pathlib import Path
from typing import NamedTuple

# The baseline of a comparison is the first of these that was measured.
BASELINES = "ours bounded ours_get ours_find ours_finds hand_written/threads:2 numbers raw raw_pipeline all_at_once bare".split()


class Spread(NamedTuple):
    """A median with its quartiles."""

    low: float
    median: float
    high: float


def spread(ratios):
    logs = [math.log(ratio) for ratio in ratios]
    quartiles = statistics.quantiles(logs, n=4, method="inclusive") if len(logs) > 1 else logs * 3
    return Spread(*map(math.exp, quartiles))


class Results:
    def __init__(self):
        self.context = {}  # of the machine
        self.runs = []  # what the program writes, each with the process it is from
        self.instructions, self.misses = {}, {}  # of one operation, by name
        self.complete = True  # False if it was stopped early
        self.cache = None

    @staticmethod
    def read(path):
        results = Results()
        vars(results).update(json.loads(Path(path).read_text(encoding="utf-8")))
        return results

    def write(self, path):
        Path(path).write_text(json.dumps(vars(self) | {"cache": None}, indent=1), encoding="utf-8")

    def add(self, data, process):
        self.context = data["context"] | self.context
        self.runs += [run | {"process": process} for run in data["benchmarks"]]
        self.cache = None

    def failures(self):
        return sorted({f"{run['name']}: {run['error_message']}" for run in self.runs if run.get("error_occurred")})

    def by_name(self):
        """The times and the runs of each benchmark, by process and turn."""
        if self.cache is None:
            self.cache = {}
            for run in self.runs:
                if run.get("error_occurred"):
                    continue
                parts = run["name"].split("/")
                wall = "real_time" in parts or "manual_time" in parts
                scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[run["time_unit"]]
                # The processor's time if it is known: other processes do not count.
                taken = run["real_time" if wall else "cpu_time"] * scale
                self.cache.setdefault(plain(run["name"]), {})[run["process"], run["repetition_index"]] = (taken, run)
        return self.cache

    def ratio(self, a, b):
        """The spread of the time of `a` / the time of `b` in the same turn, None if there is none."""
        first, second = self.by_name().get(a, {}), self.by_name().get(b, {})
        turns = [turn for turn in first.keys() & second.keys() if first[turn][0] > 0 and second[turn][0] > 0]
        return spread([first[turn][0] / second[turn][0] for turn in turns]) if turns else None

    def baseline(self, name):
        comparison = "/".join(name.split("/")[:3])
        return next((f"{comparison}/{each}" for each in BASELINES if f"{comparison}/{each}" in self.by_name()), name)

    def time(self, name):
        """Nanoseconds of one operation."""
        baseline = self.baseline(name)
        ratio = self.ratio(name, baseline)
        return ratio and statistics.median(taken for taken, _ in self.by_name()[baseline].values()) * ratio.median

    def counter(self, name, counter):
        runs = [run[counter] for _, run in self.by_name().get(name, {}).values() if counter in run]
        return statistics.median(runs) if runs else None


def plain(name):
    """The name without the parts that say how it was run: operation/shape/entries/contender[/threads:N]."""
    parts = name.split("/")
    return "/".join(parts[:4] + [part for part in parts[4:] if part.startswith("threads:")])
