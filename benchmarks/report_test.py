#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table and the chart of one run agree, even if the machine changes its speed meanwhile. Measures nothing."""
import re
import statistics
import unittest
from html import unescape
from unittest import mock

from reporting import chart, rows
from reporting.growth import growth
from reporting.ratios import Results
from reporting.table import readme, table

COSTS = {"ours": 100, "ours_never": 90, "ours_concurrent": 130, "ours_bounded": 105, "hand_written": 210, "poco": 1500, "bare": 80,
         "boost_flat": 40, "tbb": 220, "boost_concurrent": 150, "bare_with_our_hash": 85, "map_and_clock": 115}  # fmt: skip
TURNS = 25


def made_up():
    """Half of the turns on a machine that is fast, half on one that is slow. It changes its speed within one
    turn, so the contenders that come first in that turn are fast more often, and the others slow more often."""
    results = Results()
    names = [f"{operation}/k12_v8/{n}/{who}" for _, operation in chart.PANELS for n in rows.SIZES for who in COSTS]
    names += [name for row in rows.README for name in row.ours + row.other if name not in names]
    names += [f"growth/k12_v8/{10 ** i}/{who}" for i in range(3, 8) for who in ("ours", "ours_concurrent", "bare")]
    runs = []
    for name in names:
        who = name.split("/")[3]
        for turn in range(TURNS):
            slow = turn > TURNS // 2 or turn == TURNS // 2 and who > "ours"
            noise = 1 + 0.02 * ((turn * 7 + len(who)) % 5 - 2)
            taken = COSTS[who] * noise * (1.6 if slow else 1)
            runs.append({"name": name, "cpu_time": taken, "real_time": taken, "time_unit": "ns", "repetition_index": turn})
    results.add({"context": {"num_cpus": 2, "caches": []}, "benchmarks": runs}, 0)
    return results


class Report(unittest.TestCase):
    def setUp(self):
        self.results = made_up()

    def bars(self):
        """{(operation, contender): (nanoseconds, ratio or None)}, as the chart shows them."""
        drawing = unescape(chart.chart(self.results))
        labels = {label: contender for contender, label, _ in chart.BARS}
        operations = dict(chart.PANELS)
        bars = {}
        for kind, text, more in re.findall(r'<text class="(panel|label|value)[^>]*>([^<]*)(?:<tspan[^>]*>([^<]*))?', drawing):
            if kind == "panel":
                operation = operations[text]
            elif kind == "label":
                contender = labels[text]
            else:
                bars[operation, contender] = float(text.split()[0]), more or None
        return bars

    def test_the_chart_and_the_table_show_the_same_ratios(self):
        bars, text, compared = self.bars(), table(self.results), 0
        for row in filter(lambda each: each.other, rows.TABLE):
            operation, shape, _, ours = row.ours[-1].split("/")[:4]
            other = row.other[-1].split("/")[-1]
            if (operation, other) in bars and shape == "k12_v8" and ours == "ours":
                line = next(each for each in text.splitlines() if each.startswith(f"| {row.what} |") and row.beside in each)
                shown = float(re.findall(r"([0-9.]+)× \(", line)[-1])
                drawn = float(bars[operation, other][1].rstrip("×"))
                self.assertAlmostEqual(shown * drawn, 1, delta=0.02, msg=line)
                compared += 1
        self.assertGreaterEqual(compared, 6)

    def test_the_chart_and_the_table_show_the_same_times(self):
        bars, text = self.bars(), table(self.results)
        for what, operation in (("`find`, hit, one hour to live", "find_hit"), ("`find`, miss", "find_miss")):
            line = next(each for each in text.splitlines() if each.startswith(f"| {what} |"))
            self.assertEqual(float(re.search(r"/ ([0-9.]+) \|", line).group(1)), bars[operation, "ours"][0])

    def test_the_bars_are_as_long_as_their_ratios_say(self):
        bars = self.bars()
        for (operation, contender), (taken, ratio) in bars.items():
            if ratio:
                self.assertAlmostEqual(taken / bars[operation, "ours"][0] / float(ratio.rstrip("×")), 1, delta=0.02, msg=contender)

    def test_a_change_of_speed_does_not_change_a_ratio(self):
        def median(name):
            return statistics.median(taken for taken, _ in self.results.by_name()[name].values())

        ours, other = "find_hit/k12_v8/1000/ours", "find_hit/k12_v8/1000/poco"
        true = COSTS["poco"] / COSTS["ours"]
        self.assertGreater(median(other) / median(ours), 1.4 * true)  # what the ratio of medians would say
        self.assertAlmostEqual(self.results.ratio(other, ours).median / true, 1, delta=0.03)
        self.assertAlmostEqual(self.results.ratio(ours, other).median * self.results.ratio(other, ours).median, 1)

    def test_a_row_is_named_in_full_without_the_row_that_it_continues(self):
        lost = next(row for row in rows.TABLE if row.what == "– two threads, the ideal")
        only = Results()
        for name, taken in zip([lost.ours[0], lost.other[0]], (2, 1)):
            run = {"name": name, "real_time": taken, "cpu_time": taken, "time_unit": "ns", "repetition_index": 0}
            only.add({"context": {}, "benchmarks": [run]}, 0)
        self.assertIn("- shared `find`, hit, one hour to live, two threads, the ideal, compared with", table(only))

    def test_a_target_is_about_misses_too(self):
        row = rows.Ratio("`find`", "", "find_hit", "ours", "bare", 1.3)
        self.assertTrue(row.met(self.results))
        self.results.misses = {row.ours[1]: 4.0, row.other[1]: 3.1}
        self.assertTrue(row.met(self.results))
        self.results.misses[row.other[1]] = 2.8
        self.assertFalse(row.met(self.results))

    def test_every_missed_target_is_in_the_list_of_losses(self):
        misses = next(row for row in rows.TABLE if row.what == "`find`, miss")
        weight = rows.Fact("weight", "LRU", ["memory"], "bytes", max, str, 0, "≤ 0 bytes")
        self.results.misses = {misses.ours[1]: 4.0, misses.other[1]: 3.0}
        by_time = rows.Ratio("`set`", "", "overwrite", "ours", "bare", 0.1)
        missed = [misses, by_time, weight]
        with mock.patch.object(rows, "TABLE", missed), mock.patch.object(self.results, "counter", lambda *_: 1):
            losses = table(self.results).split("Where we lose")[1]
        for row in missed:
            self.assertRegex(losses, f"- {re.escape(row.what)}, compared with .*target: ")

    def test_the_readme_shows_figures_of_the_table(self):
        shown = [(row.ours, row.other) for row in rows.TABLE]
        for row in rows.README:
            self.assertIn((row.ours, row.other), shown, row.what)

    def test_the_pages_and_pictures_are_complete(self):
        self.assertEqual(readme(self.results).count("\n"), len(rows.README))
        self.assertIn("Where we lose", table(self.results))
        self.assertIn("10,000,000", growth(self.results))


if __name__ == "__main__":
    unittest.main()
