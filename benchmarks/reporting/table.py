# SPDX-License-Identifier: MIT
"""The table of docs/benchmarks.md, and the figures of the README."""
from . import rows

PEERS = ("Poco's caches", "boost::unordered_flat_map", "boost::concurrent_flat_map", "tbb::concurrent_hash_map", "Redis")


def machine(results):
    context = results.context
    return f"{context.get('model')}, {context.get('num_cpus')} cores, {context.get('compiler')}"


def table(results):
    measured = [row for row in rows.TABLE if row.measured(results)]
    counted = any(row.instructions(results) for row in measured)
    counts = ["instructions", "misses"] if counted else ["", ""]
    head = ["operation", "ns", *counts, "compared with", "ratio (quartiles)", "target", "met"]
    lines = []
    for row in measured:
        verdict = {True: "yes", False: "**no**", None: ""}[row.met(results)]
        cells = [row.what, row.nanoseconds(results), row.instructions(results), row.misses(results)]
        lines.append([*cells, row.beside, row.figures(results), row.target(), verdict])
    text = "".join(
        f"| {' | '.join(cell for cell, title in zip(line, head) if title)} |\n" for line in [head, ["---"] * len(head), *lines]
    )
    peers = ", ".join(f"{peer}: {results.context.get(peer, 'left out')}" for peer in PEERS)
    text += f"\n{machine(results)}. {peers}.\nTo measure again, run `python3 benchmarks/report.py`.\n"
    if not counted:
        text += "Instructions and misses are left out: they were not counted, or valgrind is not installed.\n"
    lost = [(row, row.loss(results)) for row in measured if row.loss(results)]
    losses = [f"- {full_name(row)}, compared with {row.beside}: {by}. {row.why or 'Why is not known yet.'}\n" for row, by in lost]
    if losses:
        text += "\n## Where we lose or miss a target, and why\n\n" + "".join(losses)
    if any(name.startswith("growth/") for name in results.by_name()):
        text += "\n## What more entries cost\n\n![Time of a hit against the number of entries](growth.svg)\n"
    return text


def full_name(row):
    """A row whose name begins with a dash continues the last row without one, measured or not."""
    if not row.what.startswith("– "):
        return row.what
    above = [each.what for each in rows.TABLE[: rows.TABLE.index(row)] if not each.what.startswith("– ")]
    return above[-1] if row.what.startswith("– compared with ") else f"{above[-1]}, {row.what[2:]}"


def readme(results):
    measured = [row for row in rows.README if row.measured(results)]
    return "".join(f"- {row.what}: {row.medians(results)} of {row.beside}\n" for row in measured)
