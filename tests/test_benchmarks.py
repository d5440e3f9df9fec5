"""The parts of the benchmarks, with fake variants and made-up numbers. No measured time is asserted."""

import json
import time
from dataclasses import replace

import pytest

from benchmarks import full_table, growth, page, plot, results, summary_table
from benchmarks.clock import Clock
from benchmarks.comparison import CAPTUM, DEFAULT, LIMIT, OURS, format_batch_sizes
from benchmarks.interleaved import compare, fastest
from benchmarks.peers.process import PeerProcess
from benchmarks.results import BenchmarkRun, MeasuredComparison, PeakMemory


class FakeClock:
    """A clock that fake variants advance; it records which variants ran."""

    def __init__(self, seconds):
        self.now, self.ran, self.seconds = 0.0, [], seconds

    def __call__(self):
        return self.now

    def variants(self):
        return {name: lambda name=name: self.run(name) for name in self.seconds}

    def run(self, name):
        self.now += self.seconds[name]
        self.ran.append(name)


def test_variants_run_in_turn_and_each_is_first_once():
    clock = FakeClock({"a": 1.0, "b": 2.0, "c": 4.0})
    variants = clock.variants()
    slow = {"a": lambda: (variants["a"](), _wait()), "b": variants["b"], "c": variants["c"]}
    timings = compare(slow, clock, rounds=3)
    assert timings == {"a": [1.0] * 3, "b": [2.0] * 3, "c": [4.0] * 3}
    assert "".join(clock.ran[-9:]) == "abcbcacab"


def _wait():
    time.sleep(0.1)  # a run of this length is a whole turn


def test_rounds_end_with_the_budget_but_not_before_three():
    clock = FakeClock({"a": 1.0})
    variants = {"a": lambda: (clock.run("a"), _wait())}
    assert len(compare(variants, clock, rounds=50, seconds=0.05)["a"]) == 3
    assert len(compare(variants, clock, rounds=4, seconds=60)["a"]) == 4


def test_the_fastest_variant_depends_on_the_amount_of_work():
    clock = FakeClock({1: 1.0, 8: 4.0})
    assert fastest(clock.variants(), clock) == 1
    assert fastest(clock.variants(), clock, {1: 1, 8: 8}) == 8


def test_a_processor_clock_counts_other_processes():
    clock = Clock(processor=True, other_processes=[lambda: 100.0, lambda: 20.0])
    assert 120 < clock() < 120 + 1e6 and clock() >= 120 + Clock(processor=True)() - 1


def test_batch_sizes_are_formatted():
    assert format_batch_sizes([[0] * 13, [0] * 12]) == "13+12"
    assert format_batch_sizes([[0], *[[0] * 13] * 14]) == "1+14x13"


def run(**more):
    seconds = {OURS: [1.0, 2.0, 3.0], LIMIT: [2.0, 2.0, 4.0], CAPTUM: [0.5, 1.0, 1.0]}
    row = MeasuredComparison("Net", "Vanilla", 1, "random weights", seconds, {OURS: "3"}, {LIMIT: 1.03, CAPTUM: 0.9})
    peak = PeakMemory("Net", "SmoothGrad", ("25", "500 samples"), (10.0, 10.1), (20.0, 40.0), "4 at a time")
    settings = {"framework": "torch", "date": "today", "machine": {"cores": "2"}, "versions": {"torch": "2"}}
    return BenchmarkRun(**{**settings, "options": {"cpu": False}, "rows": [row], "peaks": [peak], **more})


def test_ratios_are_computed_per_round():
    row = run().rows[0]
    assert row.ratios(LIMIT) == [0.5, 1.0, 0.75] and row.quartiles(LIMIT) == (0.625, 0.75, 0.875)


def test_results_are_read_as_written_and_keep_the_other_framework(tmp_path):
    torch, tf = run(), run(framework="tf", peaks=[])
    for one in (tf, run(date="yesterday"), torch):
        results.write(one, tmp_path)
    assert results.read(tmp_path / results.FILE) == [torch, tf]
    assert results.read(tmp_path / "nothing.json") == []


def test_the_full_table_has_bars_verdicts_and_measured_columns_only():
    text = full_table.full_page([run()])
    assert "| Net (random weights) | 1 | Vanilla | 2.00 s | 0.75 (0.62 to 0.88), bar 1.03 met | 2.00 (2.00 to 2.50)" in text
    assert "bar 0.90 **missed**" in text and DEFAULT not in text and "it takes" not in text
    assert "met, it takes 2.00 s |" in full_table.full_page([run(versions={"device": "a GPU"})])
    assert "| 10.0 to 10.1 | 1.01, met | 20.0 to 40.0 (4 at a time) | 0.25, met |" in text


def test_the_summary_table_has_two_networks_and_medians():
    row = run().rows[0]
    rows = [replace(row, network=network, work="SmoothGrad, 25 samples") for network in ("DemoNet", "ResNet-18")]
    assert summary_table.summary_page([run(rows=rows)]).splitlines()[2:3] == [
        "| DemoNet | SmoothGrad, 25 samples | 0.75 | 2.00 |  |  |"
    ]


def test_the_summary_table_ends_with_versions_and_machine():
    text = summary_table.summary_page([run(options={"cpu": True}, remarks=["A busy machine."])])
    assert text.splitlines()[-1] == "*torch 2; 2 cores, processor time, today. A busy machine.*" and "ResNet-18" not in text


def test_the_plot_is_an_image(tmp_path):
    plot.draw_ratios(run(), tmp_path / "torch.png")
    assert (tmp_path / "torch.png").read_bytes().startswith(b"\x89PNG")


def test_measured_tables_are_replaced_in_a_page(tmp_path):
    results.write(run(), tmp_path)
    text = "a\n<!-- bench: full -->\nold\n<!-- bench: end -->\nb\n<!-- bench: growth -->\nold\n<!-- bench: end -->\n"
    once = page.replace_tables(text, page.load_tables(tmp_path))
    assert "### Torch" in once and once.count("old") == 1 and once.startswith("a\n") and "\nb\n" in once
    assert page.replace_tables(once, page.load_tables(tmp_path)) == once
    point = growth.GrowthPoint("steps", "25", 0.5, 1.0, 3.0)
    (tmp_path / growth.FILE).write_text(json.dumps([vars(point)]))
    assert "| steps | 25 | 500.0 ms | 1.00 | 3 |" in page.replace_tables(once, page.load_tables(tmp_path))


WORKER = """
import json, sys
for line in sys.stdin:
    if line.strip() == "leave":
        break
    known = {"half": {"description": "4 steps", "processor": 1.5}}
    print(json.dumps(known.get(line.strip(), {"error": "KeyError: it"})), flush=True)
"""


def test_a_worker_replies_with_its_processor_time_or_its_error(tmp_path):
    (tmp_path / "worker.py").write_text(WORKER)
    with PeerProcess(tmp_path / "worker.py", tmp_path, tmp_path) as peers:
        assert peers.seconds() == 0
        assert peers.run("half") == "4 steps" and peers.seconds() == 1.5
        with pytest.raises(RuntimeError, match="all failed: KeyError: it"):
            peers.run("all")
        with pytest.raises(RuntimeError, match="leave failed: its process ended"):
            peers.run("leave")
