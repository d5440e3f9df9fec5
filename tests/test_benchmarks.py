"""The benchmarks' own parts, with invented ways; and every way of the embedded network once, so that none rots. No time is asserted."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import growth, page, plot, results, table
from benchmarks.clock import Clock
from benchmarks.interleaved import compare, fastest
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
    import time

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
    assert "bar 0.90 **missed**" in text and DEFAULT not in text
    assert "| 10.0 to 10.1 | 1.01, met | 20.0 to 40.0 (4 at a time) | 0.25, met |" in text


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


@pytest.fixture(scope="module")
def embedded():
    pytest.importorskip("torch")
    pytest.importorskip("captum")
    from benchmarks.subjects import EMBEDDED, subjects_of

    return list(subjects_of("torch", EMBEDDED, None))


ofcaptum = pytest.mark.filterwarnings("ignore:Input Tensor 0 did not", "ignore:Setting backward hooks")


def close(ours, theirs, tolerance=1e-4):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape and np.abs(ours).max() > 0
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


@ofcaptum
@pytest.mark.needs("torch", "captum")
@pytest.mark.parametrize("which", [0, 1], ids=["one input", "many"])
def test_equal_work_is_compared(embedded, which):
    import saliency
    from benchmarks.torch import captum_ways

    subject = embedded[which]
    model, y, x = subject.model, subject.classes[0], subject.inputs
    close(saliency.Vanilla(model, y).GetMasks(x), captum_ways.vanilla(subject)())
    close(saliency.GuidedBackprop(model, y).GetMasks(x), captum_ways.guided(subject)())
    integrated = saliency.IntegratedGradients(model, y).GetMasks(x, x_steps=10)
    close(integrated, captum_ways.integrated(subject, 16, 10), 1e-3)
    occluded = saliency.Occlusion(model, y).GetMasks(x, size=32, stride=16, average=True)
    close(occluded, captum_ways.occlusion(subject, 32, 16, 6), 1e-3)


@ofcaptum
@pytest.mark.needs("torch", "captum", "pytorch_grad_cam")
def test_maps_and_targets_are_the_same_work_too(embedded):
    import saliency
    from benchmarks.torch import cam_rows, captum_ways

    subject = embedded[0]
    targets = saliency.Vanilla(subject.model).GetMasks([subject.x] * 8, subject.classes)
    close(targets, captum_ways.targets(subject)())
    row = cam_rows.grad_cam(subject)
    ours = row.ways[OURS].run()[0]
    for other in (row.ways[CAPTUM].run()[0, 0].detach().numpy(), row.ways["pytorch-grad-cam"].run()[0]):
        assert np.corrcoef(ours.ravel(), other.ravel())[0, 1] > 0.99  # they resize in other ways, and one scales


@ofcaptum
@pytest.mark.needs("torch", "captum", "pytorch_grad_cam")
def test_every_torch_way_runs(embedded, monkeypatch):
    from benchmarks.peers.together import Others
    from benchmarks.torch import cam_rows, captum_ways, gradient_rows, limits, occlusion_rows

    monkeypatch.setattr(limits, "_best", lambda passes, subject: 7)
    monkeypatch.setattr(captum_ways, "AT_A_TIME", (6,))
    one = replace(embedded[0], samples=2, steps=2, most=16, windows=((32, 32),))
    for subject in (one, replace(one, batch=2, windows=())):
        works = [*gradient_rows.works(subject, Others(None)), *cam_rows.works(subject)]
        for work in [*works, *occlusion_rows.works(subject)]:
            row = work.row()
            assert next(iter(row.ways)) == OURS and len(row.ways) > 1
            for way in row.ways.values():
                way.run()


@pytest.mark.needs("torch")
def test_a_sample_of_windows_stands_for_the_mask(embedded, monkeypatch):
    import saliency
    from benchmarks.torch import captum_ways, occlusion_rows

    subject = embedded[0]
    monkeypatch.setattr(captum_ways, "AT_A_TIME", (6,))
    row = occlusion_rows.sampled(subject, 16, 4)
    windows = 441
    mask = saliency.Occlusion(subject.model, subject.classes[0]).GetMask(subject.x, size=16, stride=4)
    assert bool(mask.details["incremental"]) and f"of {windows} windows" in row.ways[OURS].words
    assert row.ways[LIMIT].times == row.ways[OURS].times > 1 and row.ways[OURS].plus > 0


@pytest.mark.needs("tensorflow")
def test_every_tf_way_runs(monkeypatch):
    from benchmarks.peers.together import Others
    from benchmarks.subjects import EMBEDDED, subjects_of
    from benchmarks.tf import limits, rows

    monkeypatch.setattr(limits, "_best", lambda passes, subject: 7)
    subject = replace(next(subjects_of("tf", EMBEDDED, None)), samples=2, steps=2, windows=((32, 32),))
    for work in rows._works(subject, Others(None)):
        for way in work.row().ways.values():
            way.run()
