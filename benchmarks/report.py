#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the benchmarks and reports what they say: the table of docs/benchmarks.md and chart.svg.

Each comparison is a process of its own, in which the repetitions of all contenders are shuffled, so
that what disturbs one disturbs the others; the whole is done in several rounds, each with another
layout of memory and other secrets in the hash. A ratio is the median of the ratios of repetitions, each
to one of the other contender in the same round: by number, that is at random, for they are shuffled.

Ctrl-C cuts it short: it then reports what there is.
"""
import argparse
import json
import math
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PAGE = ROOT / "docs/benchmarks.md"
PROGRAM = "build/benchmark/benchmarks/cachetory_benchmarks"
COMMAND = "cmake --workflow --preset benchmark && python3 benchmarks/report.py"

# --- the targets ------------------------------------------------------------------------------------

SIZES = (1_000, 100_000)


class Target:
    def met(self, value, limit):
        return value <= limit

    def range(self, results, i):
        """What the rounds came to, at least and at most, for the i-th figure."""
        value = self.measured(results)[i]
        return value, value


class Ratio(Target):
    """Time of `ours` / time of `other`, to be at most so much; with `at_least`, the other way round."""

    def __init__(self, operation, ours, other, at_most=None, at_least=None, shape="k12_v8", sizes=SIZES):
        self.ours, self.other = ([f"{operation}/{shape}/{n}/{who}" for n in sizes] for who in (ours, other))
        limits = at_most or at_least
        self.limits = limits if isinstance(limits, tuple) else (limits,) * len(sizes)
        self.at_least = at_least is not None

    def pairs(self):
        return list(zip(self.other, self.ours) if self.at_least else zip(self.ours, self.other))

    def measured(self, results):
        return [results.ratio(a, b) for a, b in self.pairs()]

    def range(self, results, i):
        rounds = results.ratios_of_rounds(*self.pairs()[i])
        return min(rounds), max(rounds)

    def promised(self):
        sign, unit = "≥" if self.at_least else "≤", "×"
        return " / ".join(f"{sign} {limit:g}{unit}" for limit in dict.fromkeys(self.limits))

    def met(self, value, limit):
        return value >= limit if self.at_least else value <= limit

    def text(self, value):
        return f"{value:.1f}×" if value >= 2.5 else f"{value:.2f}×"


class Comparison(Ratio):
    """No target, but what puts one into perspective."""

    def __init__(self, operation, ours, other, faster=False, **where):
        super().__init__(operation, ours, other, **({"at_least": 0.0} if faster else {"at_most": math.inf}), **where)

    def promised(self):
        return ""


class Growth(Ratio):
    """How the ratio changes from 1,000 to 1,000,000 entries."""

    def __init__(self, limit):
        super().__init__("find_hit", "ours_never", "bare", at_most=limit, sizes=(1_000, 1_000_000))
        self.limits = (limit,)

    def measured(self, results):
        few, lots = super().measured(results)
        return [None if few is None or lots is None else lots / few]

    range = Target.range


class Allocations(Target):
    """How often each call allocates."""

    def __init__(self, *names):
        self.names = [f"{operation}/k12_v8/{n}/{who}" for operation, who in names for n in SIZES]
        self.limits = (0,)

    def measured(self, results):
        counts = [results.counter(name, "allocations") for name in self.names]
        return [None if None in counts else max(counts)]

    def promised(self):
        return "none"

    def text(self, value):
        return f"{value:g}" if value else "none"


class NodeBytes(Target):
    """How many bytes an entry takes more than one of a map without deadlines."""

    limits = (8,)

    def measured(self, results):
        ours, bare = (results.counter(f"memory/k12_v8/100000/{who}", "node_bytes") for who in ("ours", "values_only"))
        return [None if ours is None or bare is None else ours - bare]

    def promised(self):
        return "≤ +8 bytes"

    def text(self, value):
        return f"{value:+g} bytes"


class Pause(Ratio):
    def promised(self):
        return "≤ 1/100"

    def text(self, value):
        return f"1/{1 / value:.0f}"


class CompileTime(Target):
    """How long our header takes to compile / the standard ones that it includes."""

    limits = (1.1,)

    def ratios(self, results):
        return [ours / standard for ours, standard in results.headers]

    def measured(self, results):
        return [statistics.median(self.ratios(results)) if results.headers else None]

    def range(self, results, i):
        return min(self.ratios(results)), max(self.ratios(results))

    def promised(self):
        return "≤ 1.1×"

    def text(self, value):
        return f"{value:.2f}×"


BARE = "`unordered_map`"
CLOCK = "the same with one `now()`"
HAND = "`unordered_map` + mutex + `now()`"
TARGETS = [  # what, beside what, the target
    ("`find`, hit, never expires", BARE, Ratio("find_hit", "ours_never", "bare", at_most=1.0)),
    ("– 40-byte keys", BARE, Ratio("find_hit", "ours_never", "bare", at_most=1.0, shape="k40_v8")),
    ("– *compare*: another map", BARE + " with our hash", Comparison("find_hit", "ours_never", "bare_with_our_hash")),
    ("`find`, hit, one hour to live", BARE + ", no clock", Ratio("find_hit", "ours", "bare", at_most=(1.15, 1.35))),
    ("– 40-byte keys", BARE + ", no clock", Ratio("find_hit", "ours", "bare", at_most=(1.15, 1.35), shape="k40_v8")),
    ("– `system_clock`", BARE + ", no clock", Ratio("find_hit", "ours_system_clock", "bare", at_most=(1.15, 1.35))),
    (
        "– *compare*: 200-byte values, 100,000 entries",
        BARE + ", no clock",
        Comparison("find_hit", "ours", "bare", shape="k12_v200", sizes=(100_000,)),
    ),
    (
        "– *compare*: Zipf-distributed keys, 100,000 entries",
        BARE + ", no clock",
        Comparison("find_hit_zipf", "ours", "bare", sizes=(100_000,)),
    ),
    ("`find`, miss", BARE, Ratio("find_miss", "ours", "bare", at_most=1.0)),
    ("– 40-byte keys", BARE, Ratio("find_miss", "ours", "bare", at_most=1.0, shape="k40_v8")),
    ("– *compare*: another map", BARE + " with our hash", Comparison("find_miss", "ours", "bare_with_our_hash")),
    ("`get`, hit, never expires", "`find`", Ratio("find_hit", "ours_never_get", "ours_never", at_most=1.05)),
    ("`get`, hit, one hour to live", "`find`", Ratio("find_hit", "ours_get", "ours_find", at_most=1.05)),
    ("`set` over an entry", BARE + ", find and assign", Ratio("overwrite", "ours_never", "bare", at_most=1.0)),
    ("`set` over an entry, one hour to live", CLOCK, Ratio("overwrite", "ours", "map_and_clock", at_most=1.1)),
    ("`set` into an empty cache, and its end", BARE + ", `try_emplace`", Ratio("insert", "ours_never", "bare", at_most=1.2)),
    ("`find` of what has expired, and `set`", CLOCK, Comparison("expire_and_reinsert", "ours", "map_and_clock")),
    ("`get_many` of 64 keys", "64 × `find`", Ratio("get_64", "ours_get_many", "ours_finds", at_most=0.9)),
    ("async `get(…).get()`", "sync `get`", Ratio("find_hit", "async_get", "ours_get", at_most=1.1)),
    (
        "`co_await` of async `get`",
        "sync `get`, in a coroutine, too",
        Ratio("find_hit", "async_co_await", "ours_get_in_coroutine", at_most=1.1),
    ),
    (
        "– *compare*: `co_await` of an address or an exception, no future",
        "the same",
        Comparison("find_hit", "least_co_await", "ours_get_in_coroutine"),
    ),
    ("async `find(…).get()`, miss", "sync `find`", Ratio("find_miss", "async_find", "ours_find", at_most=1.15)),
    (
        "– allocations of the three",
        "",
        Allocations(("find_hit", "async_get"), ("find_hit", "async_co_await"), ("find_miss", "async_find")),
    ),
    (
        "concurrent `find`, one hour to live",
        "`memory_backend`",
        Ratio("find_hit", "ours_concurrent", "ours", at_most=1.6),
    ),
    (
        "– one thread, faster than",
        HAND,
        Ratio("find_threads", "ours_concurrent/threads:1", "hand_written/threads:1", at_least=2.0),
    ),
    (
        "– two threads, different keys, faster than",
        HAND,
        Ratio("find_threads", "ours_concurrent/threads:2", "hand_written/threads:2", at_least=4.0),
    ),
    (
        "– *compare*: one thread, `memory_backend` + mutex",
        HAND,
        Comparison("find_threads", "one_mutex/threads:1", "hand_written/threads:1", faster=True),
    ),
    (
        "– *compare*: two threads, each with a `memory_backend` of its own, no lock",
        HAND + ", shared",
        Comparison("find_threads", "one_each/threads:2", "hand_written/threads:2", faster=True),
    ),
    (
        "concurrent `get_many` of 64 keys, which copies",
        "64 × `find`",
        Comparison("get_64", "concurrent_get_many", "concurrent_finds"),
    ),
    (
        "`find`, hit, one hour to live, faster than",
        "`Poco::UniqueExpireCache`, which locks",
        Ratio("find_hit", "ours", "poco", at_least=8.0),
    ),
    (
        "– *compare*: " + BARE + ", no clock",
        "`Poco::UniqueExpireCache`",
        Comparison("find_hit", "bare", "poco", faster=True),
    ),
    ("`find` / " + BARE + ", 1,000,000 entries", "1,000 entries", Growth(1.1)),
    (
        "`purge_expired(1000)`, longest pause, 1,000,000 entries",
        "`purge_expired()`",
        Pause("purge", "calls_of_1000", "all_at_once", at_most=0.01, sizes=(1_000_000,)),
    ),
    ("memory of an entry", BARE + " without deadlines", NodeBytes()),
    ("compiling `memory_backend.hpp`", "the standard headers it includes", CompileTime()),
]

# --- measuring --------------------------------------------------------------------------------------


class Results:
    """What has been measured; `runs` is what the program writes, each with the round it is from."""

    def __init__(self, context=None, runs=None, headers=None):
        self.context = context or {}
        self.runs = runs or []
        self.headers = headers or []  # pairs: seconds to compile our header, the standard ones
        self.cache = None
        self.complete = True  # False if it was cut short

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        return Results(data["context"], data["benchmarks"], data.get("headers"))

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"context": self.context, "headers": self.headers, "benchmarks": self.runs}, file, indent=1)

    def add(self, path, round_):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        self.context = data["context"]
        self.runs += [run | {"round": round_} for run in data["benchmarks"] if run.get("run_type") != "aggregate"]
        self.cache = None

    def failures(self):
        return sorted({f"{run['name']}: {run['error_message']}" for run in self.runs if run.get("error_occurred")})

    def by_name(self):
        """The runs of each benchmark, by round and repetition."""
        if self.cache is None:
            self.cache = {}
            for run in self.runs:
                if run.get("run_type") == "aggregate" or run.get("error_occurred"):
                    continue
                parts = run.get("run_name", run["name"]).split("/")
                name = "/".join(parts[:4] + [part for part in parts[4:] if part.startswith("threads:")])
                wall = "real_time" in parts or "manual_time" in parts
                scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[run["time_unit"]]
                # The processor's time where that can be told: other processes do not count.
                taken = run["real_time" if wall else "cpu_time"] * scale
                where = (run.get("round", 0), run.get("repetition_index", 0))
                self.cache.setdefault(name, {})[where] = (taken, run)
        return self.cache

    def time(self, name):
        runs = self.by_name().get(name)
        return statistics.median(taken for taken, _ in runs.values()) if runs else None

    def ratios(self, a, b):
        """The ratios of the runs of one number, by round and repetition."""
        first, second = self.by_name().get(a, {}), self.by_name().get(b, {})
        return {at: first[at][0] / second[at][0] for at in first.keys() & second.keys() if second[at][0] > 0}

    def ratio(self, a, b):
        ratios = self.ratios(a, b)
        return statistics.median(ratios.values()) if ratios else None

    def ratios_of_rounds(self, a, b):
        """The median ratio of each round."""
        rounds = {}
        for (round_, _), ratio in self.ratios(a, b).items():
            rounds.setdefault(round_, []).append(ratio)
        return [statistics.median(ratios) for ratios in rounds.values()]

    def counter(self, name, counter):
        runs = [run[counter] for _, run in self.by_name().get(name, {}).values() if counter in run]
        return statistics.median(runs) if runs else None


class Progress:
    """A line that is written over on a terminal, and now and then a new one elsewhere."""

    def __init__(self, steps):
        self.steps, self.done, self.start, self.shown = steps, 0, time.monotonic(), -60.0
        self.terminal = sys.stderr.isatty()

    def step(self, what):
        now = time.monotonic()
        left = (now - self.start) / self.done * (self.steps - self.done) if self.done >= 5 else None
        self.done += 1
        line = f"[{self.done:3}/{self.steps}] {what}"
        if left is not None:
            line += f", {left // 60:.0f} min {left % 60:02.0f} s left"
        if self.terminal:
            print(f"\r\x1b[K{line[:shutil.get_terminal_size().columns - 1]}", end="", file=sys.stderr, flush=True)
        elif now - self.shown >= 10:
            self.shown = now
            print(line, file=sys.stderr, flush=True)

    def end(self):
        if self.terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def scenarios(program, only):
    """What is to be compared: the names of the benchmarks up to the contender."""
    listed = subprocess.run(
        [program, "--benchmark_list_tests=true"], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ).stdout
    names = dict.fromkeys("/".join(line.split("/")[:3]) for line in listed.splitlines() if line.count("/") >= 3)
    return [name for name in names if re.search(only, name)]


def measure(program, quick, only, results):
    # A round has so many repetitions of so many seconds each.
    rounds, repetitions, seconds = (1, 5, 0.02) if quick else (7, 12, 0.015)
    todo = [(round_, name) for round_ in range(rounds) for name in scenarios(program, only)]
    # Bytes do not vary, and sweeping a million entries takes long.
    todo = [(round_, name) for round_, name in todo if round_ == 0 or not name.startswith("memory/")]
    progress = Progress(len(todo) + 1)
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.json")
        try:
            for round_, name in todo:
                progress.step(name if quick else f"{name}, round {round_ + 1} of {rounds}")
                once = name.startswith(("memory/", "purge/"))
                ran = subprocess.run(
                    [
                        program,
                        f"--benchmark_filter=^{re.escape(name)}/",
                        "--benchmark_enable_random_interleaving=true",
                        f"--benchmark_repetitions={1 if once else repetitions}",
                        f"--benchmark_min_time={seconds}",
                        f"--benchmark_out={out}",
                        "--benchmark_out_format=json",
                    ],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                )
                if ran.returncode != 0:
                    progress.end()
                    sys.exit(f"{program} failed at {name}, status {ran.returncode}:\n{ran.stderr}")
                results.add(out, round_)
            progress.step("compiling the header")
            results.headers = compile_headers(program, 5 if quick else 15, folder)
        except KeyboardInterrupt:
            progress.end()
            results.complete = False
            print("cut short: what follows is what there is", file=sys.stderr)
        progress.end()


def compiler_of(program):
    """The compiler the program was built with, as the build folder says; else c++."""
    for folder in Path(program).resolve().parents:
        if (folder / "CMakeCache.txt").is_file():
            found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", (folder / "CMakeCache.txt").read_text(), re.M)
            return found.group(1) if found else "c++"
    return os.environ.get("CXX", "c++")


def compile_headers(program, times, folder):
    """How long memory_backend.hpp takes to compile, and the standard headers that it includes."""
    command = [compiler_of(program), "-std=c++20", "-O2", "-I", str(ROOT / "include"), "-x", "c++", "-c", "-o", os.devnull]
    ours, standard = os.path.join(folder, "ours.cpp"), os.path.join(folder, "standard.cpp")
    Path(ours).write_text("#include <cachetory/memory_backend.hpp>\n", encoding="utf-8")
    # -H draws the tree of includes with dots: wanted is what a header of ours includes itself.
    tree = subprocess.run(command + ["-H", ours], check=True, stderr=subprocess.PIPE, text=True).stderr
    wanted, path = [], []
    for dots, header in re.findall(r"^(\.+) (.+)$", tree, re.M):
        path = path[: len(dots) - 1] + [header]
        mine = ["/cachetory/" in each for each in path]
        if not mine[-1] and all(mine[:-1]):
            wanted.append(header)
    # The tree leaves out what was included before by another: the headers' own lines have it.
    for header in (ROOT / "include" / "cachetory").glob("*.hpp"):
        if re.search(rf"/cachetory/{re.escape(header.name)}$", tree, re.M):
            names = re.findall(r"^#include <(\w+)>", header.read_text(encoding="utf-8"), re.M)
            wanted += [name for name in names if re.search(rf"/{name}$", tree, re.M)]
    lines = [f'#include {f"<{each}>" if "/" not in each else chr(34) + each + chr(34)}\n' for each in dict.fromkeys(wanted)]
    Path(standard).write_text("".join(lines), encoding="utf-8")

    def seconds(source):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command + [source], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    seconds(ours), seconds(standard)  # so that the files are in memory
    return [(seconds(ours), seconds(standard)) for _ in range(times)]


# --- reporting --------------------------------------------------------------------------------------


def machine(results):
    model = None
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
        model = found.group(1).strip() if found else None
    except OSError:
        pass
    cores = results.context.get("num_cpus", os.cpu_count())
    parts = [model or "unknown processor", f"{cores} cores", results.context.get("compiler", "unknown compiler")]
    for library, name in (("Poco::UniqueExpireCache", "Poco"), ("boost::unordered_flat_map", "Boost")):
        version = results.context.get(library, "left out")
        parts.append(f"{name} {version}" if version != "left out" else f"{name} not installed")
    return ", ".join(parts)


def table(results):
    lines = [
        "| time of | beside | target | 1,000 / 100,000 entries | met |",
        "|---|---|---|---|---|",
    ]
    missed = 0
    for what, beside, target in TARGETS:
        values = target.measured(results)
        if all(value is None for value in values):
            continue
        figures = ["?" if value is None else target.text(value) for value in values]
        verdict = "yes" if target.promised() else ""
        for i, (value, limit) in enumerate(zip(values, target.limits)):
            if value is not None and not target.met(value, limit):
                low, high = target.range(results, i)
                if low != high:
                    figures[i] += f" ({target.text(low)} to {target.text(high)})"
                verdict = "**no**"
        missed += verdict == "**no**"
        lines.append(f"| {what} | {beside} | {target.promised()} | {' / '.join(figures)} | {verdict} |")
    lines += [
        "",
        "Where a target is missed, the range of the rounds follows: how sure the figure is.",
        "`unordered_map` hashes with `std::hash` unless said otherwise, ours with its keyed hash: what it gains is mostly the hash.",
        "Beside the map with our hash remain the check of the deadline, and that the compiler inlines the map's `find` into the one loop that calls it:"
        " a program that looks up in several places calls either.",
        f"Keys of 12 bytes and values of 8, unless said otherwise. {machine(results)}. Remake it with `{COMMAND}`.",
    ]
    return "\n".join(lines) + "\n", missed


CHART_SHAPE = "k12_v8/100000"
PANELS = [  # title, operation
    ("find, hit, one hour to live", "find_hit"),
    ("find, miss", "find_miss"),
    ("set over an entry, one hour to live", "overwrite"),
    ("set into an empty cache, one hour to live, and its end", "insert"),
]
BARS = [  # contender, label, class
    ("ours", "cachetory", "ours"),
    ("ours_concurrent", "cachetory, concurrent", "ours2"),
    ("hand_written", "unordered_map + mutex + now()", "peer"),
    ("poco", "Poco::UniqueExpireCache", "peer"),
    ("bare", "unordered_map", "plain"),
    ("boost_flat", "boost::unordered_flat_map", "plain"),
]
STYLE = """
    text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328; }
    .title { font-size: 19px; font-weight: 600; }
    .panel { font-size: 14px; font-weight: 600; }
    .note { font-size: 11.5px; fill: #59636e; }
    .label { text-anchor: end; }
    .strong { font-weight: 600; }
    .value { font-variant-numeric: tabular-nums; }
    .axis { stroke: #d1d9e0; }
    .ours { fill: #0969da; }
    .ours2 { fill: #54aeff; }
    .peer { fill: #bc4c00; fill-opacity: .78; }
    .plain { fill: #8c959f; fill-opacity: .65; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; }
      .note { fill: #9198a1; }
      .axis { stroke: #3d444d; }
      .ours { fill: #4493f8; }
      .ours2 { fill: #1f5fb0; }
      .peer { fill: #f0883e; fill-opacity: .82; }
      .plain { fill: #7d8590; fill-opacity: .7; }
    }
"""


def nanoseconds(value):
    return f"{value:.0f} ns" if value >= 10 else f"{value:.1f} ns"


def chart(results):
    """Bars of the median time per operation, the shorter the better."""
    width, left, right, pitch, thick = 840, 252, 690, 23, 15
    panels = []
    for title, operation in PANELS:
        bars = [
            (label, style, results.time(f"{operation}/{CHART_SHAPE}/{contender}")) for contender, label, style in BARS
        ]
        bars = [bar for bar in bars if bar[2] is not None]
        if bars:
            panels.append((title, bars))
    if not panels:
        return None

    body, y = [], 100
    for title, bars in panels:
        times = sorted(taken for _, _, taken in bars)
        # One bar that would dwarf all others is broken off, and says so.
        cut = len(times) > 2 and times[-1] > 1.8 * times[-2]
        scale = (right - left) * (0.66 if cut else 1) / times[-2 if cut else -1]
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
            body.append(f'<path class="{style}" d="{shape}"/>')
            beside = bars[0][2]
            factor = taken / beside
            digits = 0 if factor >= 10 else 1 if factor >= 1.5 else 2
            more = "" if label == bars[0][0] else f'<tspan class="note" dx="7">{factor:.{digits}f}×</tspan>'
            body.append(
                f'<text class="value{strong}" x="{left + length + 8:.1f}" y="{middle + 4.5:.1f}">'
                f"{nanoseconds(taken)}{more}</text>"
            )
            y += pitch
        body.append(f'<path class="axis" d="M{left - .5} {top - 4}V{y - pitch + thick + 4}"/>')
        y += 30

    summary = ". ".join(
        f"{title}: " + ", ".join(f"{label} {nanoseconds(taken)}" for label, _, taken in bars) for title, bars in panels
    )
    legend, x = [], 24
    for style, text, step in (
        ("ours", "cachetory", 90),
        ("ours2", "cachetory, shared by threads", 200),
        ("peer", "others with expiry and a lock", 205),
        ("plain", "for reference: neither expiry nor a lock", 0),
    ):
        legend.append(f'<rect class="{style}" x="{x}" y="54" width="11" height="11" rx="2"/>')
        legend.append(f'<text class="note" x="{x + 16}" y="64">{text}</text>')
        x += step
    foot = [
        "× is the time relative to the first bar’s. Median CPU time of one operation, one thread; 100,000 entries,",
        f"12-byte keys in random order, 8-byte values. {machine(results)}.",
        f"Remake it: {COMMAND}",
    ]
    for line in foot:
        body.append(f'<text class="note" x="24" y="{y}">{escape(line)}</text>')
        y += 17
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 4}" width="{width}" height="{y + 4}" '
        'role="img" aria-labelledby="title desc">\n'
        '  <title id="title">Time per operation: cachetory beside what people would use instead</title>\n'
        f'  <desc id="desc">{escape(summary)}.</desc>\n'
        f"  <style>{STYLE}  </style>\n"
        '  <text class="title" x="24" y="36">Time per operation, in nanoseconds: shorter is better</text>\n  '
        + "\n  ".join(legend + body)
        + "\n</svg>\n"
    )


def around_table():
    """The text of docs/benchmarks.md before the table and after it."""
    begin, end = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
    whole = PAGE.read_text(encoding="utf-8")
    if whole.count(begin) != 1 or whole.count(end) != 1 or whole.index(begin) > whole.index(end):
        sys.exit(f"{PAGE} has no place for the table: it wants these lines, or --print\n{begin}\n{end}")
    before, rest = whole.split(begin)
    return f"{before}{begin}\n", end + rest.split(end)[1]


def main():
    parser = argparse.ArgumentParser(
        description="Runs the benchmarks, and writes the table of docs/benchmarks.md and benchmarks/chart.svg.",
        epilog="Ctrl-C cuts it short; it then reports what there is.",
    )
    parser.add_argument("--program", default=ROOT / PROGRAM, help=f"the benchmarks; without it, {PROGRAM}")
    parser.add_argument("--quick", action="store_true", help="about a minute instead of ten, and rougher")
    parser.add_argument("--print", action="store_true", help="only print the table: write no file")
    parser.add_argument("--only", metavar="REGEX", default="", help="measure only what matches, for example ^find_hit/")
    parser.add_argument("--save", metavar="FILE", help="keep all that was measured, as JSON")
    parser.add_argument("--read", metavar="FILE", help="measure nothing: report on what --save kept")
    parser.add_argument("--chart", metavar="FILE", help="write the chart there instead")
    args = parser.parse_args()
    if not args.print:
        around_table()  # fails now rather than in ten minutes

    if args.read:
        try:
            results = Results.read(args.read)
        except (OSError, KeyError, ValueError) as error:
            sys.exit(f"cannot read measurements from {args.read}: {error!r}")
    else:
        program = str(args.program)
        if not os.access(program, os.X_OK):
            sys.exit(f"{program} is not there. Build it first: cmake --workflow --preset benchmark")
        results = Results()
        measure(program, args.quick, args.only, results)
    if args.save:
        results.write(args.save)
    for failure in results.failures():
        print(f"failed: {failure}", file=sys.stderr)
    if not results.by_name():
        sys.exit("nothing was measured")

    text, missed = table(results)
    drawing = chart(results)
    if not args.print and (args.quick or args.only or not results.complete):
        print("only a whole run is written to the PAGE: printed instead", file=sys.stderr)
        args.print = True
    if args.print:
        print(text, end="")
    else:
        before, after = around_table()
        PAGE.write_text(before + text + after, encoding="utf-8")
        print(f"written: {PAGE}")
    if drawing and (args.chart or not args.print):
        target = Path(args.chart or HERE / "chart.svg")
        target.write_text(drawing, encoding="utf-8")
        print(f"written: {target}")
    if missed:
        print(f"targets missed: {missed}", file=sys.stderr)
    sys.exit(1 if results.failures() else 0)


if __name__ == "__main__":
    main()
