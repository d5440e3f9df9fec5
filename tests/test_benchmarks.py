"""The benchmarks' own parts, with invented ways and invented figures. No time is asserted."""

import json
import time
from dataclasses import replace

import pytest

from benchmarks import growth, page, plot, results, short, table
from benchmarks.clock import Clock
from benchmarks.interleaved import compare, fastest
from benchmarks.peers.process import Peers
from benchmarks.results import Measured, Peak, Run
from benchmarks.row import CAPTUM, DEFAULT, LIMIT, OURS, in_short


class Invented:
    """Ways that move a clock of their own, and note who ran."""

    def __init__(self, seconds):
        self.now, self.ran, self.seconds = 0.0, [], seconds

    def __call__(self):
        return self.now

    def ways(self):
        return {name: lambda name=name: self.run(name) for name in self.seconds}

    def run(self, name):
        self.now += self.seconds[name]
        self.ran.append(name)


def test_ways_take_turns_and_each_is_first_once():
    clock = Invented({"a": 1.0, "b": 2.0, "c": 4.0})
    ways = clock.ways()
    slow = {"a": lambda: (ways["a"](), _wait()), "b": ways["b"], "c": ways["c"]}
    taken = compare(slow, clock, rounds=3)
    assert taken == {"a": [1.0] * 3, "b": [2.0] * 3, "c": [4.0] * 3}
    assert "".join(clock.ran[-9:]) == "abcbcacab"


def _wait():
    time.sleep(0.1)  # longer than this, and a turn is one run


def test_rounds_end_with_the_budget_but_not_before_three():
    clock = Invented({"a": 1.0})
    ways = {"a": lambda: (clock.run("a"), _wait())}
    assert len(compare(ways, clock, rounds=50, seconds=0.05)["a"]) == 3
    assert len(compare(ways, clock, rounds=4, seconds=60)["a"]) == 4


def test_the_fastest_is_told_by_what_it_gets_done():
    clock = Invented({1: 1.0, 8: 4.0})
    assert fastest(clock.ways(), clock) == 1
    assert fastest(clock.ways(), clock, {1: 1, 8: 8}) == 8


def test_a_processor_clock_counts_other_processes():
    clock = Clock(processor=True, others=[lambda: 100.0, lambda: 20.0])
    assert 120 < clock() < 120 + 1e6 and clock() >= 120 + Clock(processor=True)() - 1


def test_batches_in_short():
    assert in_short([[0] * 13, [0] * 12]) == "13+12"
    assert in_short([[0], *[[0] * 13] * 14]) == "1+14x13"


def run(**more):
    seconds = {OURS: [1.0, 2.0, 3.0], LIMIT: [2.0, 2.0, 4.0], CAPTUM: [0.5, 1.0, 1.0]}
    row = Measured("Net", "Vanilla", 1, "random weights", seconds, {OURS: "3"}, {LIMIT: 1.03, CAPTUM: 0.9})
    peak = Peak("Net", "SmoothGrad", ("25", "500 samples"), (10.0, 10.1), (20.0, 40.0), "4 at a time")
    told = {"framework": "torch", "date": "today", "machine": {"cores": "2"}, "versions": {"torch": "2"}}
    return Run(**{**told, "options": {"cpu": False}, "rows": [row], "peaks": [peak], **more})


def test_a_row_is_ours_to_the_others_round_by_round():
    row = run().rows[0]
    assert row.ratios(LIMIT) == [0.5, 1.0, 0.75] and row.quartiles(LIMIT) == (0.625, 0.75, 0.875)


def test_what_is_written_is_read_again_and_the_other_framework_stays(tmp_path):
    torch, tf = run(), run(framework="tf", peaks=[])
    for one in (tf, run(date="yesterday"), torch):
        results.write(one, tmp_path)
    assert results.read(tmp_path / results.FILE) == [torch, tf]
    assert results.read(tmp_path / "nothing.json") == []


def test_the_table_has_bars_verdicts_and_only_columns_that_were_measured():
    text = table.page([run()])
    assert "| Net (random weights) | 1 | Vanilla | 2.00 s | 0.75 (0.62 to 0.88), bar 1.03 met | 2.00 (2.00 to 2.50)" in text
    assert "bar 0.90 **missed**" in text and DEFAULT not in text and "it takes" not in text
    assert "met, it takes 2.00 s |" in table.page([run(versions={"device": "a GPU"})])
    assert "| 10.0 to 10.1 | 1.01, met | 20.0 to 40.0 (4 at a time) | 0.25, met |" in text


def test_the_short_table_has_two_networks_and_medians():
    row = run().rows[0]
    rows = [replace(row, network=network, work="SmoothGrad, 25 samples") for network in ("DemoNet", "ResNet-18")]
    assert short.page([run(rows=rows)]).splitlines()[2:3] == ["| DemoNet | SmoothGrad, 25 samples | 0.75 | 2.00 |  |  |"]


def test_the_short_table_tells_on_what():
    told = short.page([run(options={"cpu": True}, remarks=["A busy machine."])])
    assert told.splitlines()[-1] == "*torch 2; 2 cores, processor time, today. A busy machine.*" and "ResNet-18" not in told


def test_the_plot_is_a_picture(tmp_path):
    plot.draw(run(), tmp_path / "torch.png")
    assert (tmp_path / "torch.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_gets_the_tables_that_were_measured(tmp_path):
    results.write(run(), tmp_path)
    text = "a\n<!-- bench: full -->\nold\n<!-- bench: end -->\nb\n<!-- bench: growth -->\nold\n<!-- bench: end -->\n"
    once = page.renewed(text, page.tables(tmp_path))
    assert "### Torch" in once and once.count("old") == 1 and once.startswith("a\n") and "\nb\n" in once
    assert page.renewed(once, page.tables(tmp_path)) == once
    point = growth.Point("steps", "25", 0.5, 1.0, 3.0)
    (tmp_path / growth.FILE).write_text(json.dumps([vars(point)]))
    assert "| steps | 25 | 500.0 ms | 1.00 | 3 |" in page.renewed(once, page.tables(tmp_path))


WORKER = """
import json, sys
for line in sys.stdin:
    if line.strip() == "leave":
        break
    known = {"half": {"words": "4 steps", "processor": 1.5}}
    print(json.dumps(known.get(line.strip(), {"error": "KeyError: it"})), flush=True)
"""


def test_another_process_answers_with_its_processor_time_or_its_error(tmp_path):
    (tmp_path / "worker.py").write_text(WORKER)
    with Peers(tmp_path / "worker.py", tmp_path, tmp_path) as peers:
        assert peers.seconds() == 0
        assert peers.run("half") == "4 steps" and peers.seconds() == 1.5
        with pytest.raises(RuntimeError, match="all failed: KeyError: it"):
            peers.run("all")
        with pytest.raises(RuntimeError, match="leave failed: its process ended"):
            peers.run("leave")
