"""The benchmark's own arithmetic: medians, ratios, charts, and figures into documents."""

import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

import charts
import document
import growth
import report
import scale
import variants
from row import Goal, Row
from rows_live import LIVE
from rows_scale import SCALE

DOCS = Path(__file__).parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


def row(goals=(), **more):
    return Row("a-row", "A <row> & more", "value", "us", ("floor A", "herald"), (), None, goals, **more)


def runs(floor, herald, **more):
    one = lambda value: {"value": value, "p99": value * 10, **more}
    return {"a-row": {"floor A": list(map(one, floor)), "herald": list(map(one, herald))}}


def summary_of(goals, floor, herald, **more):
    return report.summarise([row(goals)], runs(floor, herald, **more), quick=False)[0]


class Ratios(unittest.TestCase):
    def test_are_taken_within_a_round_before_their_median(self):
        # Of medians the ratio would be 4 / 2; a slow minute has hit both in round three.
        found = summary_of((Goal("herald", "floor A", "<=", 1.5),), (1, 2, 100), (1, 4, 110))
        self.assertAlmostEqual(found["ratios"][0]["value"], 1.1)
        self.assertTrue(found["ratios"][0]["met"])

    def test_miss_what_is_beyond_the_limit(self):
        self.assertFalse(summary_of((Goal("herald", "floor A", "<=", 1.5),), (2,), (4,))["ratios"][0]["met"])
        self.assertFalse(summary_of((Goal("herald", "floor A", ">=", 3),), (2,), (4,))["ratios"][0]["met"])

    def test_are_met_by_a_figure_that_is_enough(self):
        goal = Goal("herald", "floor A", ">=", 3, enough=4)
        self.assertTrue(summary_of((goal,), (2,), (4,))["ratios"][0]["met"])

    def test_compare_another_figure_where_the_goal_says_so(self):
        found = summary_of((Goal("herald", None, "<=", 39, figure="p99", label="p99"),), (1,), (4,))["ratios"][0]
        self.assertEqual((found["ratio"], found["value"], found["met"]), ("herald, p99", 40, False))

    def test_are_differences_where_the_goal_says_so(self):
        found = summary_of((Goal("herald", "floor A", "<=", 3, beyond=True),), (10,), (14,))["ratios"][0]
        self.assertEqual((found["ratio"], found["value"], found["met"]), ("herald - floor A", 4, False))

    def test_are_left_out_where_a_server_was_not_measured(self):
        self.assertEqual(summary_of((Goal("herald", "nchan", ">=", 1),), (1,), (4,))["ratios"], [])

    def test_are_not_judged_where_the_runs_say_nothing(self):
        judged = lambda least: report.summarise([row((Goal("herald", "floor A", "<=", 9),), judged_if=("p99", least))],
                                                runs((1,), (4,)), quick=False)[0]["ratios"][0]
        self.assertEqual(document.verdict(judged(10)), "<= 9: met")
        self.assertEqual(document.verdict(judged(11)), "not judged")

    def test_without_a_limit_are_for_information(self):
        self.assertIsNone(summary_of((Goal("herald", "floor A"),), (1,), (4,))["ratios"][0]["met"])


class Faults(unittest.TestCase):
    def test_are_added_up_and_fail_the_run_of_herald(self):
        results = runs((1,), (1, 1), lost=2, duplicated=0)
        self.assertEqual(report.faults(results["a-row"]["herald"]), {"lost": 4})
        self.assertTrue(report.herald_failed(results))

    def test_of_others_do_not(self):
        results = runs((1,), (1,))
        results["a-row"]["floor A"][0]["lost"] = 1
        self.assertFalse(report.herald_failed(results))

    def test_of_a_variant_do(self):
        self.assertTrue(report.herald_failed({"a-row": {"herald+tls": [{"value": 1, "lost": 1}]}}))


class Numbers(unittest.TestCase):
    def test_have_three_or_four_digits(self):
        for value, text in ((None, "-"), (0.12345, "0.123"), (12.34, "12.3"), (1234.5, "1,234"), (12_345_678, "12.35 M")):
            self.assertEqual(report.number(value), text)

    def test_of_a_kernel_name_no_machine(self):
        self.assertRegex(report.machine()["kernel"], r"^[\d.]*$")


class Growth(unittest.TestCase):
    def test_is_1_where_it_is_linear(self):
        self.assertAlmostEqual(growth.steepest({"1": 2, "10": 20, "100": 200}), 1)

    def test_is_the_steepest_step(self):
        self.assertAlmostEqual(growth.steepest({"1": 2, "10": 10, "100": 300}), 3)


class Charts(unittest.TestCase):
    def parse(self, text):
        return ElementTree.fromstring(text)

    def test_bars_are_as_long_as_their_figures(self):
        figures = {"floor A": 10.0, "herald": 5.0}
        spread = {name: [value, value] for name, value in figures.items()}
        root = self.parse(charts.bars("A <row> & more", "us", figures, spread))
        widths = [float(bar.get("width")) for bar in root.findall(f"{SVG}rect") if bar.get("height") == str(charts.BAR)]
        self.assertEqual(len(widths), 2)
        self.assertAlmostEqual(widths[0], 2 * widths[1], delta=0.2)
        self.assertIn("A <row> & more", [words.text for words in root.findall(f"{SVG}text")])

    def test_bars_stay_inside_whatever_the_spread(self):
        root = self.parse(charts.bars("t", "us", {"herald": 5.0}, {"herald": [1.0, 500.0]}))
        whisker = root.find(f"{SVG}line")
        self.assertLessEqual(float(whisker.get("x2")), charts.WIDTH - charts.VALUES + 0.1)

    def test_bars_of_nothing_are_still_a_chart(self):
        self.parse(charts.bars("t", "us", {"herald": 0}, {"herald": [0, 0]}))

    def test_lines_of_a_power_law_are_straight(self):
        root = self.parse(charts.lines("t", "subscribers", "us", {"herald": {"1": 1, "10": 10, "100": 100}}))
        (x1, y1), (x2, y2), (x3, y3) = (tuple(map(float, point.split(",")))
                                        for point in root.find(f"{SVG}polyline").get("points").split())
        self.assertAlmostEqual(x2 - x1, x3 - x2, delta=0.2)
        self.assertAlmostEqual(y2 - y1, y3 - y2, delta=0.2)
        self.assertLess(y3, y1)

    def test_lines_leave_out_what_has_no_logarithm(self):
        root = self.parse(charts.lines("t", "x", "y", {"herald": {"1": 0, "10": 10}, "nchan": {"1": -1}}))
        self.assertEqual(len(root.findall(f"{SVG}circle")), 1)

    def test_names_at_the_ends_of_lines_do_not_overlap(self):
        root = self.parse("<g>" + "".join(charts.apart({"herald": (1, 100), "nchan": (1, 101), "node": (1, 102)})) + "</g>")
        heights = sorted(float(words.get("y")) for words in root)
        self.assertGreaterEqual(min(b - a for a, b in zip(heights, heights[1:])), 15)


class Documents(unittest.TestCase):
    TEXT = ("# T\n\n<!-- overview -->\n<!-- end -->\n\n<!-- row a-row -->\nold\n<!-- end -->\n\n"
            "<!-- row other -->\nold\n<!-- end -->\nafter\n")

    def test_get_the_rows_that_were_measured_and_keep_the_others(self):
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "performance.md"
            path.write_text(self.TEXT)
            first = summary_of((Goal("herald", "floor A", "<=", 1.5),), (2,), (4,))
            document.fill(path, [{**first, "name": "other"}], quick=True)
            document.fill(path, [{**first, "rounds": 3}], quick=False)
            text = path.read_text()
            self.assertTrue((Path(name) / "charts/a-row.svg").exists())
        self.assertNotIn("old", text)
        self.assertIn("--only other --quick", text)
        self.assertIn("medians of 3 rounds", text)
        self.assertTrue(text.endswith("after\n"))

    def test_say_so_where_a_row_has_no_place(self):
        known = {"unknown": {}}
        with self.assertRaisesRegex(SystemExit, "no place for unknown"):
            document.filled(self.TEXT, known)

    def test_of_performance_have_a_place_for_every_row(self):
        text = (DOCS / "performance.md").read_text()
        for each in (*LIVE, *SCALE):
            self.assertIn(f"<!-- row {each.name} -->", text)


class Rows(unittest.TestCase):
    def test_have_names_of_their_own(self):
        names = [each.name for each in (*LIVE, *SCALE)]
        self.assertEqual(len(names), len(set(names)))

    def test_measure_every_server_that_their_goals_name(self):
        for each in (*LIVE, *SCALE):
            for goal in each.goals:
                self.assertIn(goal.server, each.servers, each.name)
                self.assertTrue(goal.base is None or goal.base in each.servers, each.name)

    def test_name_known_variants_and_have_colours(self):
        for each in (*LIVE, *SCALE):
            for name in each.servers:
                variants.variant_of(name)
                charts.colour(name)


class Scale(unittest.TestCase):
    COST = {"delivery_us": 6.0, "saturated": 1e6, "idle_bytes": 4096, "connect_us": 30.0, "ingest": 100_000,
            "foreign_us": 0.1, "channel_bytes": 100, "event_bytes": 250}

    def test_divides_the_machine_by_the_costs(self):
        limit = scale.limits(self.COST)
        self.assertAlmostEqual(limit["connections"], 240e9 / 8192)
        self.assertAlmostEqual(limit["single_cpu"], 10e6)
        self.assertAlmostEqual(limit["coalesced_cpu"], 60e6)
        self.assertAlmostEqual(limit["foreign_share"], 0.01)
        self.assertAlmostEqual(limit["channels_bytes"], 6e9)

    def test_is_not_calculated_from_what_was_not_measured(self):
        self.assertIn("ingest", scale.markdown({}))


if __name__ == "__main__":
    unittest.main()
