# SPDX-License-Identifier: MIT
"""Runs the benchmarks. Each comparison runs in its own process, in which all contenders take turns.
This is repeated in several processes, each with a different memory layout and different hash secrets."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .ratios import plain

CACHE = ["--D1=32768,8,64", "--LL=1048576,16,64"]  # 1 MiB: roughly what a core has for itself


def run(command):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if ran.returncode != 0:
        sys.exit(f"{' '.join(command)} failed, status {ran.returncode}:\n{ran.stderr}")
    return ran.stdout


def comparisons(program, wanted, only):
    """The names of the benchmarks, by comparison: the part of the name before the contender."""
    found = {}
    for name in map(plain, run([program, "--benchmark_list_tests=true"]).splitlines()):
        comparison = "/".join(name.split("/")[:3])
        if (name in wanted or name.startswith("growth/")) and re.search(only, comparison):
            found.setdefault(comparison, {})["/".join(name.split("/")[:4])] = None  # once for all numbers of threads
    return found


def effort(name, quick):
    """How many processes, how many turns in each, and how many seconds a run takes."""
    operation, entries = name.split("/")[0], int(name.split("/")[2])
    if operation in ("memory", "bounded_memory", "purge", "fairness"):
        return (3 if operation in ("purge", "fairness") and not quick else 1), 0, 0.001
    if operation.startswith("find_lock") and not quick:  # long enough for eight threads on two cores
        return 6, 15, 0.02
    if operation == "growth":  # filling the caches takes most of the time
        return (0 if quick else 3 if entries <= 1_000_000 else 1), 15, 0.02
    seconds = 0.001 if entries <= 1000 else 0.002
    if quick:
        return 1, (1 if operation in ("insert", "erase_if") else 5), seconds
    slow = operation in ("insert", "erase_if") and entries > 1000 or entries > 100_000
    server = operation.startswith(("redis", "cluster"))  # whose times differ the most
    return (2 if entries > 100_000 else 15 if server else 5), (7 if slow else 21), seconds


def measure(program, wanted, counted, quick, only, results):
    """`counted` are two regular expressions: the benchmarks whose instructions and whose misses are wanted."""
    names = comparisons(program, wanted, only)
    todo = [(i, name) for name in names for i in range(effort(name, quick)[0])]
    random.shuffle(todo)  # so that a minute's disturbance does not fall on one comparison alone
    start = shown = time.monotonic()
    results.context |= {"model": model(), "caches": caches()}
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.json")
        try:
            for step, (process, name) in enumerate(todo):
                if time.monotonic() - shown > 10:
                    shown = time.monotonic()
                    print(f"[{step}/{len(todo)}] {shown - start:.0f} s, {name}", file=sys.stderr, flush=True)
                _, turns, seconds = effort(name, quick)
                run([program, f"--only=^({'|'.join(names[name])})$", f"--turns={turns}", f"--benchmark_min_time={seconds}", f"--out={out}"])
                results.add(json.loads(Path(out).read_text(encoding="utf-8")), process)
            if not quick and not only:
                results.instructions = count(program, counted[0], 20_000, folder, ["Ir"])
                results.misses = count(program, counted[1], 5_000, folder, ["DLmr", "DLmw"], [*CACHE, "--cache-sim=yes"])
        except KeyboardInterrupt:
            results.complete = False
            print("stopped early: this is what has been measured", file=sys.stderr)


def count(program, counted, times, folder, events, options=()):
    """How many of these events callgrind counts in one operation: its counts for that many operations and for
    twice as many, subtracted, so that the set-up does not count."""
    if not shutil.which("valgrind"):
        print("instructions and misses are left out: valgrind is not installed", file=sys.stderr)
        return {}
    out, counts = os.path.join(folder, "counted.json"), os.path.join(folder, "callgrind")
    only = ["--collect-atstart=no", "--toggle-collect=cachetory_counted", "--dump-after=cachetory_counted"]
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}", *only, *options]
    run([*command, program, f"--only={counted}", f"--count={times}", f"--out={out}"])
    seen, found = {}, {}
    for i, each in enumerate(json.loads(Path(out).read_text(encoding="utf-8"))["benchmarks"], 1):
        kinds, totals = re.search(r"^events: (.+)$[^$]+^totals: (.+)$", Path(f"{counts}.{i}").read_text(encoding="utf-8"), re.M).groups()
        by_kind = dict(zip(kinds.split(), map(int, totals.split())))
        total = sum(by_kind.get(event, 0) for event in events)
        name = plain(each["name"])
        if name in seen:
            before, iterations = seen[name]
            found[name] = (total - before) / (each["iterations"] - iterations)
        seen[name] = total, each["iterations"]
    return found


def model():
    cpus = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", cpus.read_text(encoding="utf-8") if cpus.exists() else "", re.M)
    return found.group(1).strip() if found else "unknown processor"


def caches():
    """The caches of the processor: pairs of a level and bytes."""
    found = []
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / each).read_text().strip() for each in ("level", "type", "size"))
        if kind != "Instruction":
            found.append((int(level), int(size.rstrip("KMG")) * 1024 ** " KMG".index(size[-1])))
    return found
