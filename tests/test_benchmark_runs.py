"""Every way of the embedded network once, so that none rots, and the same numbers where the same work is compared."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.row import CAPTUM, LIMIT, OURS


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

    subject = replace(embedded[which], batch=(1, 3)[which])
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
