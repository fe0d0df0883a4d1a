"""What scripts/verify-clock and scripts/bench-memory make of figures, and the fleets that they describe."""

import importlib.machinery
import importlib.util
import sys
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))


def load(name):
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(SCRIPTS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class ClockTests(unittest.TestCase):
    clock = load("verify-clock")

    def test_fleet_and_recipe_have_the_same_devices(self):
        for name in self.clock.FLEETS:
            for method in self.clock.METHODS:
                classes = self.clock.fleet(name)["classes"]
                recipe = self.clock.recipe(name, method, Path("/scratch"), Path("/model"), 7070)
                cuts = [cut for kind, cut in recipe["compare"]["cuts"].items() for _ in range(classes[kind]["count"])]
                self.assertEqual(recipe["devices"]["cuts"], cuts)
                self.assertEqual(recipe["data"]["train_limit"] % len(cuts), 0, "all devices hold equally much")
                self.assertTrue(all(each["spread"] == 0 for each in classes.values()))

    def test_both_sides_of_a_method_take_as_many_steps(self):
        for method, own in self.clock.METHODS.items():
            if not own:
                continue
            recipe = self.clock.recipe("links", method, Path("/scratch"), Path("/model"), 7070)
            devices = len(recipe["devices"]["cuts"])
            # Whole batches on each device, and whole rounds.
            each = recipe["data"]["train_limit"] // devices
            self.assertEqual(each % recipe["training"]["batch"], 0)
            self.assertEqual(own["batches"] % own["keys"].get("local_steps", 1), 0)
            self.assertEqual(set(own["keys"].values()), set(own["compare"].values()))
            self.assertEqual(recipe["compare"]["methods"], [recipe["training"]["method"]])

    def test_a_row_says_how_far_the_clock_is_off(self):
        row = self.clock.row(
            "links", "hosl", {"seconds": 80.0, "bytes_up": 2_000_000}, {"seconds": 84.0, "bytes_up": 2_100_000})
        self.assertAlmostEqual(row["deviation"], 0.05)
        self.assertIn(
            "| hosl | links | uplinks | 16 | 80.0 s | 84.0 s | +5.0 % | 2.00 MB | 2.10 MB | +5.0 % |",
            self.clock.table([row]))

    def test_more_than_the_tolerance_is_too_far_either_way(self):
        rows = [{"fleet": str(part), "method": "zo", "deviation": part} for part in (-0.16, -0.15, 0.0, 0.15, 0.16)]
        self.assertEqual(self.clock.beyond(rows), ["-0.16 with zo", "0.16 with zo"])

    def test_a_row_takes_the_place_of_the_one_before_and_others_stay(self):
        def row(method, name, deviation):
            return {"method": method, "fleet": name, "deviation": deviation}

        rows = self.clock.merged(
            [row("hosl", "links", 1), row("splitfrozen", "unequal", 2)],
            [row("hosl", "links", 3), row("hosl", "unequal", 4)])
        self.assertEqual(
            rows, [row("splitfrozen", "unequal", 2), row("hosl", "links", 3), row("hosl", "unequal", 4)])


class MemoryTests(unittest.TestCase):
    memory = load("bench-memory")

    def test_ratios_are_to_first_order_split_with_the_same_batch(self):
        def row(method, batch, peak):
            return {
                "method": method, "batch": batch, "tokens": 128, "blocks": 6, "peak_bytes": peak,
                "loaded_bytes": 100_000_000}

        text = self.memory.table(
            [row("hosl", 8, 150_000_000), row("splitlora", 8, 300_000_000), row("splitlora", 64, 900_000_000)])
        self.assertIn("| hosl | 8 x 128 | 6 | 150 MB | 100 MB | 50 MB | 2.00 | 4.00 |", text)
        self.assertIn("| splitlora | 64 x 128 | 6 | 900 MB | 100 MB | 800 MB | 1.00 | 1.00 |", text)


if __name__ == "__main__":
    unittest.main()
