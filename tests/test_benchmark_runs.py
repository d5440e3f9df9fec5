"""Every variant on the bundled network runs, and libraries that do the same work return the same numbers."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.comparison import CAPTUM, LIMIT, OURS


@pytest.fixture(scope="module")
def bundled():
    pytest.importorskip("torch")
    pytest.importorskip("captum")
    from benchmarks.cases import BUNDLED, cases_of_network

    return list(cases_of_network("torch", BUNDLED, None))


ignore_captum_warnings = pytest.mark.filterwarnings(
    "ignore:Input Tensor 0 did not", "ignore:Setting backward hooks", "ignore:Setting forward, backward hooks"
)


def close(ours, theirs, tolerance=1e-4):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape and np.abs(ours).max() > 0
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


@ignore_captum_warnings
@pytest.mark.needs("torch", "captum")
@pytest.mark.parametrize("which", [0, 1], ids=["one input", "many"])
def test_our_maps_equal_captums(bundled, which):
    import saliency
    from benchmarks.torch import captum_variants

    case = replace(bundled[which], batch=(1, 3)[which])
    model, y, x = case.model, case.classes[0], case.inputs
    close(saliency.Vanilla(model, y).GetMasks(x), captum_variants.vanilla(case)())
    close(saliency.GuidedBackprop(model, y).GetMasks(x), captum_variants.guided_backprop(case)())
    integrated = saliency.IntegratedGradients(model, y).GetMasks(x, x_steps=10)
    close(integrated, captum_variants.integrated_gradients(case, 16, 10), 1e-3)
    occluded = saliency.Occlusion(model, y).GetMasks(x, size=32, stride=16, average=True)
    close(occluded, captum_variants.occlusion(case, 32, 16, 6), 1e-3)


@ignore_captum_warnings
@pytest.mark.needs("torch", "captum", "pytorch_grad_cam")
def test_grad_cam_and_several_targets_agree_with_other_libraries(bundled):
    import saliency
    from benchmarks.torch import cam_workloads, captum_variants

    case = bundled[0]
    targets = saliency.Vanilla(case.model).GetMasks([case.x] * 8, case.classes)
    close(targets, captum_variants.targets(case)())
    row = cam_workloads.grad_cam(case)
    ours = row.variants[OURS].run()[0]
    for other in (row.variants[CAPTUM].run()[0, 0].detach().numpy(), row.variants["pytorch-grad-cam"].run()[0]):
        assert np.corrcoef(ours.ravel(), other.ravel())[0, 1] > 0.99  # they resize differently, and one of them scales


@ignore_captum_warnings
@pytest.mark.needs("torch", "captum", "pytorch_grad_cam")
def test_every_torch_variant_runs(bundled, monkeypatch):
    from benchmarks.peers.peer_variants import PeerVariants
    from benchmarks.torch import cam_workloads, captum_variants, gradient_workloads, limits, lrp_workloads, occlusion_workloads

    monkeypatch.setattr(limits, "_fastest_batch", lambda passes, case: 7)
    monkeypatch.setattr(captum_variants, "WINDOWS_PER_BATCH", (6,))
    one = replace(bundled[0], samples=2, steps=2, max_steps=16, windows=((32, 32),))
    for case in (one, replace(one, batch=2, windows=())):
        workloads_of_case = [*gradient_workloads.workloads(case, PeerVariants(None)), *cam_workloads.workloads(case)]
        for workload in [*workloads_of_case, *lrp_workloads.workloads(case), *occlusion_workloads.workloads(case)]:
            comparison = workload.prepare()
            assert next(iter(comparison.variants)) == OURS and len(comparison.variants) > 1
            for variant in comparison.variants.values():
                variant.run()


@pytest.mark.needs("torch")
def test_every_variant_of_attention_runs():
    pytest.importorskip("torch")
    from benchmarks.cases import TRANSFORMERS, cases_of_network
    from benchmarks.torch.workloads import workloads

    case, _ = cases_of_network("torch", TRANSFORMERS[0], None)  # the second is of gradients
    with workloads(case) as found:
        rows = {workload.name: workload.prepare() for workload in found}
    assert list(rows) == ["AttentionRollout", "AttentionRelevance", "LeGrad", "LRP, attn-lrp"]
    for comparison in rows.values():
        assert list(comparison.variants) == [OURS, LIMIT]
        for variant in comparison.variants.values():
            variant.run()


@pytest.mark.needs("torch", "captum", "skimage", "scipy")
def test_every_variant_of_regions_paths_and_metrics_runs(bundled, monkeypatch):
    from benchmarks.peers.peer_variants import PeerVariants
    from benchmarks.torch import captum_variants, limits, metric_workloads, path_workloads, region_workloads

    monkeypatch.setattr(limits, "_fastest_batch", lambda passes, case: 7)
    monkeypatch.setattr(captum_variants, "fastest_of", lambda tried: max(tried))
    monkeypatch.setattr(region_workloads, "CELLS", 2)
    monkeypatch.setattr(region_workloads, "METHODS", {"LIME": {"nmasks": 6, "seed": 0}})
    monkeypatch.setattr(metric_workloads, "STEPS", 3)
    monkeypatch.setattr(path_workloads, "LARGE_BATCH", 2)
    one, none = replace(bundled[0], steps=2), PeerVariants(None)
    workloads = [
        *path_workloads.workloads(one, none),
        *region_workloads.workloads(one),
        *metric_workloads.workloads(one, none),
    ]
    for workload in [*workloads, *metric_workloads.workloads(replace(one, batch=2), none)]:
        comparison = workload.prepare()
        assert next(iter(comparison.variants)) == OURS
        for variant in comparison.variants.values():
            variant.run()


@pytest.mark.needs("torch")
def test_the_plain_mean_of_rise_gets_as_many_masks_as_its_error_needs(bundled, monkeypatch):
    import saliency
    from benchmarks.torch import rise_workloads

    case = bundled[0]
    for name, value in {"START": 32, "MEASURED": 64, "TIMED": 16, "TOLERANCE": 0.4}.items():
        monkeypatch.setattr(rise_workloads, name, value)
    variants = rise_workloads.rise(case).variants
    options = {"seed": 0, "nmasks": 64, "control_variate": False, "standard_error": True}
    plain = saliency.RISE(case.model, case.classes[0]).GetMask(case.x, **options)
    error = np.linalg.norm(plain.details["standard_error"]) / np.linalg.norm(plain)
    assert variants[LIMIT].factor == pytest.approx(64 * (error / 0.4) ** 2 / 16, rel=0.02)
    theirs = rise_workloads.mean_over_masks(case, 256).numpy()
    assert np.corrcoef(theirs.ravel(), variants[OURS].run()[0].ravel())[0, 1] > 0.7


@pytest.mark.needs("torch")
def test_a_mask_s_time_is_extrapolated_from_a_sample_of_windows(bundled, monkeypatch):
    import saliency
    from benchmarks.torch import captum_variants, occlusion_workloads

    case = bundled[0]
    monkeypatch.setattr(captum_variants, "WINDOWS_PER_BATCH", (6,))
    row = occlusion_workloads.sampled_comparison(case, 16, 4)
    windows = 441
    mask = saliency.Occlusion(case.model, case.classes[0]).GetMask(case.x, size=16, stride=4)
    assert bool(mask.details["incremental"]) and f"of {windows} windows" in row.variants[OURS].description
    assert row.variants[LIMIT].factor == row.variants[OURS].factor > 1 and row.variants[OURS].offset > 0


@pytest.mark.needs("tensorflow")
def test_every_tf_variant_runs(monkeypatch):
    from benchmarks.cases import BUNDLED, cases_of_network
    from benchmarks.peers.peer_variants import PeerVariants
    from benchmarks.tf import limits, workloads

    monkeypatch.setattr(limits, "_fastest_batch", lambda passes, case: 7)
    case = replace(next(cases_of_network("tf", BUNDLED, None)), samples=2, steps=2, windows=((32, 32),))
    for workload in workloads._workloads(case, PeerVariants(None)):
        for variant in workload.prepare().variants.values():
            variant.run()


@pytest.mark.needs("tensorflow")
def test_a_mask_s_time_is_extrapolated_in_tensorflow(monkeypatch):
    from benchmarks.cases import BUNDLED, cases_of_network
    from benchmarks.tf import limits, occlusion_workloads

    monkeypatch.setattr(limits, "_fastest_batch", lambda passes, case: 7)
    row = occlusion_workloads.sampled_comparison(next(cases_of_network("tf", BUNDLED, None)), 16, 4)
    scores = np.asarray(row.variants[OURS].run())
    assert "of 441 windows" in row.variants[OURS].description and scores.shape == (100, 1) and np.ptp(scores) > 0
    assert row.variants[LIMIT].factor == row.variants[OURS].factor > 1 and row.variants[OURS].offset > 0
