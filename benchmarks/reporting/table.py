# SPDX-License-Identifier: MIT
"""The table of docs/benchmarks.md, and the figures of the README."""
import os
import re
from pathlib import Path

from . import rows

COMMAND = "cmake --workflow --preset benchmark && python3 benchmarks/report.py"
PEERS = ("Poco's caches", "boost::unordered_flat_map", "boost::concurrent_flat_map", "tbb::concurrent_hash_map", "Redis")


def machine(results):
    model = None
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
        model = found.group(1).strip() if found else None
    except OSError:
        pass
    cores = results.context.get("num_cpus", os.cpu_count())
    return f"{model or 'unknown processor'}, {cores} cores, {results.context.get('compiler', 'unknown compiler')}"


def table(results):
    measured = [row for row in rows.TABLE if row.measured(results)]
    counted = any(row.instructions(results) for row in measured)
    head = ["operation", "ns", "instructions" if counted else "", "beside", "ratio (quartiles)", "target", "met"]
    lines = []
    for row in measured:
        verdict = {True: "yes", False: "**no**", None: ""}[row.met(results)]
        cells = [row.what, row.nanoseconds(results), row.instructions(results), row.beside, row.figures(results)]
        lines.append([*cells, row.target(), verdict])
    text = "".join(
        f"| {' | '.join(cell for cell, title in zip(line, head) if title)} |\n" for line in [head, ["---"] * 7, *lines]
    )
    versions = [(peer, results.context.get(peer, "left out")) for peer in PEERS]
    notes = [f"{machine(results)}. " + ", ".join(f"{peer}: {version}" for peer, version in versions) + "."]
    if not counted:
        notes.append("Instructions are left out: they were not counted, or valgrind is not installed.")
    lost = [(row, row.loss(results)) for row in measured if row.why and row.loss(results)]
    losses = [
        f"- {full_name(row, measured)}, beside {row.beside}: {by}. {row.why}\n" for row, by in lost
    ]
    text += "\n" + "\n".join(notes) + f"\nRemake it with `{COMMAND}`.\n"
    if losses:
        text += "\n## Where we lose, and why\n\n" + "".join(losses)
    if any(name.startswith("growth/") for name in results.by_name()):
        text += "\n## What more entries cost\n\n![Time of a hit against the number of entries](growth.svg)\n"
    return text


def full_name(row, measured):
    """A row whose name begins with a dash goes on from the last one without."""
    if not row.what.startswith("– "):
        return row.what
    above = [each.what for each in measured[: measured.index(row)] if not each.what.startswith("– ")]
    return f"{above[-1]}, {row.what[2:]}"


def readme(results):
    lines = []
    for row in rows.README:
        if row.measured(results):
            figures = " / ".join(rows.times(each.median) if each else "?" for each in row.ratios(results))
            lines.append(f"- {row.what}: {figures} of {row.beside}\n")
    return "".join(lines)
