"""Several inputs of a Torch model explained at once: closed forms, completeness, and equality with other ways."""

import numpy as np
import pytest
import torch

import saliency
from saliency.core.errors import ZeroGradientWarning
from tests.torch.snapshot import snapshot
from tests.torch.two_inputs import IMAGES, INPUTS, TABLES, Net, OfDictionary, V, W, product, smooth, sum_of


class Flat(torch.nn.Module):
    """The same network with one flat input."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x[:, :60].reshape(-1, 3, 4, 5), x[:, 60:])


def flat(masks):
    return np.concatenate([np.asarray(masks["image"]).reshape(-1), np.asarray(masks["table"]).reshape(-1)])


def parts(array):
    return {"image": array[..., :60].reshape(*array.shape[:-1], 3, 4, 5), "table": array[..., 60:]}


X = np.concatenate([IMAGES.reshape(3, -1), TABLES], axis=1)
w, v = W.numpy()[:, 1], V.numpy()[:, 1]


def test_an_additive_model_attributes_each_input_its_own_term():
    net = Net(sum_of)
    for method in (saliency.IntegratedGradients, saliency.GradientSHAP, saliency.InputXGradient):
        masks = method(net, 1).GetMask(INPUTS)
        assert list(masks) == ["image", "table"] and masks["image"].shape == (3, 4, 5)
        np.testing.assert_allclose(masks["image"].reshape(-1), X[0, :60] * w)
        np.testing.assert_allclose(masks["table"], X[0, 60:] * v)


def test_a_product_is_shared_along_the_joint_path():
    masks = saliency.IntegratedGradients(Net(product), 1).GetMask(INPUTS, x_baseline={"table": 2.0}, details=True)
    of_image, of_table, table_at_baseline = X[0, :60] @ w, X[0, 60:] @ v, 2 * v.sum()
    np.testing.assert_allclose(masks["image"].reshape(-1), X[0, :60] * w * (of_table + table_at_baseline) / 2)
    np.testing.assert_allclose(masks["table"], (X[0, 60:] - 2) * v * of_image / 2)
    np.testing.assert_allclose(flat(masks).sum(), of_image * of_table)  # 0 at the baseline
    assert masks["image"].details["change"] == pytest.approx(of_image * of_table)
    gradients = saliency.Vanilla(Net(product), 1).GetMask(INPUTS)
    np.testing.assert_allclose(flat(gradients), np.concatenate([w * of_table, v * of_image]))


@pytest.mark.parametrize("baseline", [None, "min", {"image": "mean", "table": TABLES[1]}, ("blur", [0.5, TABLES[2]])])
def test_masks_add_up_over_all_inputs(baseline):
    net = Net(smooth)
    masks = saliency.IntegratedGradients(net, 1, tolerance=1e-5, max_steps=4000).GetMask(
        INPUTS, x_baseline=baseline, details=True
    )
    gap, change = (masks["table"].details[name] for name in ("gap", "change"))
    assert abs(flat(masks).sum() - change) <= 1.01e-5 * abs(change) and abs(gap) <= 1e-5 * abs(change)
    if baseline is None:
        ends = (
            net(torch.tensor(IMAGES[:1]), torch.tensor(TABLES[:1])),
            net(torch.zeros(1, 60).double(), torch.zeros(1, 4).double()),
        )
        assert change == pytest.approx(float((ends[0] - ends[1])[0, 1].detach()))


@pytest.mark.parametrize(
    ("method", "options", "baseline_of_flat"),
    [
        (saliency.Vanilla, {}, None),
        (saliency.InputXGradient, {}, None),
        (saliency.IntegratedGradients, {"x_steps": 9}, None),
        (saliency.IntegratedGradients, {"x_baseline": [0.0, {"image": 1.0, "table": 1.0}]}, [np.zeros(64), np.ones(64)]),
        (saliency.GradientSHAP, {"seed": 4, "x_baseline": [0.0, 1.0]}, [np.zeros(64), np.ones(64)]),
    ],
)
def test_equal_to_one_flat_model(method, options, baseline_of_flat):
    net = Net(smooth)
    masks = method(net).GetMasks({"image": IMAGES, "table": TABLES}, y=[1, 0, 1], **options)
    of_flat = {**options, "x_baseline": baseline_of_flat} if "x_baseline" in options else options
    expected = parts(np.asarray(method(Flat(net)).GetMasks(X, y=[1, 0, 1], **of_flat)))
    for name in INPUTS:
        np.testing.assert_allclose(masks[name], expected[name], rtol=1e-7, atol=1e-12)
        one = method(net, 0).GetMask({"table": TABLES[1], "image": IMAGES[1]}, **options)[name]
        np.testing.assert_allclose(one, masks[name][1], rtol=1e-9, atol=1e-12)
    samples = [{"image": image, "table": table} for image, table in zip(IMAGES, TABLES, strict=True)]
    again = method(net, batch_size=1).GetMasks(samples, y=[1, 0, 1], **options)
    np.testing.assert_allclose(again["table"], masks["table"], rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")
def test_each_sample_has_its_own_baseline_of_each_input():
    net, last_first = Net(smooth), {"image": saliency.PerSample(IMAGES[::-1]), "table": saliency.PerSample(TABLES[::-1])}
    masks = saliency.IntegratedGradients(net, 1).GetMasks({"image": IMAGES, "table": TABLES}, x_baseline=last_first)
    expected = saliency.IntegratedGradients(Flat(net), 1).GetMasks(X, x_baseline=saliency.PerSample(X[::-1]))
    for name, part in parts(np.asarray(expected)).items():
        np.testing.assert_allclose(masks[name], part, rtol=1e-7, atol=1e-12)
    assert not masks["image"][1].any()  # the second sample is its own baseline


def test_the_noise_of_each_input_has_its_own_scale_and_numbers():
    class Squares(torch.nn.Module):
        def forward(self, image, table):
            return (image.pow(2) + table.pow(2)).sum((1, 2))[:, None] / 2

    alike = {"image": IMAGES[0, 0], "table": 1000 * IMAGES[0, 0]}  # the gradient is the noisy input
    method, options = saliency.Vanilla(Squares(), 0), {"nsamples": 200, "magnitude": False, "seed": 1, "stdev_spread": 0.1}
    smoothed = method.GetSmoothedMask(alike, **options)
    noise = [np.asarray(smoothed[name] - alike[name]) / np.ptp(alike[name]) for name in alike]
    np.testing.assert_allclose([one.std() for one in noise], 0.1 / 200**0.5, rtol=0.5)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.7  # not the same numbers, scaled
    alone = method.GetSmoothedMask(alike["image"], {"table": alike["table"]}, **options)
    np.testing.assert_allclose(alone, smoothed["image"], rtol=1e-5)
    swapped = method.GetSmoothedMask(dict(reversed(alike.items())), **options)
    np.testing.assert_allclose(swapped["table"], smoothed["table"], rtol=1e-5)
    error = method.GetSmoothedMask(alike, **options, standard_error=True, antithetic=True)["table"]
    assert error.details["standard_error"].shape == error.shape


def test_a_tuple_follows_the_models_order():
    net = Net(product)
    by_name = saliency.IntegratedGradients(net, 1).GetMask(INPUTS)
    for name, mask in saliency.IntegratedGradients(net, 1).GetMask((IMAGES[0], TABLES[0])).items():
        np.testing.assert_array_equal(mask, by_name[name])
    half = saliency.IntegratedGradients(net, 1).GetMask(INPUTS, {"scale": 0.5})
    np.testing.assert_allclose(flat(half), flat(by_name) / 2)
    np.testing.assert_array_equal(  # a tuple of numbers is one input
        saliency.Vanilla(torch.nn.Linear(2, 1).double(), 0).GetMask((1.0, 2.0)).shape, (2,)
    )


def test_one_input_of_several_by_name_and_the_top_class():
    net, rest = Net(product), {"table": TABLES[0]}
    (mask,) = saliency.Vanilla(net).GetMask({"image": IMAGES[0]}, rest).values()
    np.testing.assert_array_equal(mask, saliency.Vanilla(net).GetMask(IMAGES[0], rest))
    top = int(net(torch.tensor(IMAGES[:1]), torch.tensor(TABLES[:1])).argmax())
    assert saliency.Vanilla(net).GetMask(INPUTS)["table"].details["target"] == top == mask.details["target"]
    assert mask.about.input(0).shape == (3, 4, 5)


def test_a_model_of_one_dictionary_stays_unchanged():
    torch.manual_seed(2)
    net = OfDictionary()
    before = snapshot(net)
    together = saliency.GuidedBackprop(net, 1).GetMask(INPUTS)
    assert snapshot(net) == before
    for name in INPUTS:
        others = {other: value for other, value in INPUTS.items() if other != name}
        alone = saliency.GuidedBackprop(saliency.wrap(net, input=name), 1).GetMask(INPUTS[name], others)
        np.testing.assert_allclose(together[name], alone, rtol=1e-5, atol=1e-7)


def test_occlusion_and_maps_explain_each_input_in_turn():
    torch.manual_seed(0)
    net = OfDictionary()
    sizes = {"image": 2, "table": 1}
    masks = saliency.Occlusion(net, 1).GetMask(INPUTS, size=sizes, value={"table": 1.0})
    for name, value in (("image", 0.0), ("table", 1.0)):
        others = {other: given for other, given in INPUTS.items() if other != name}
        alone = saliency.wrap(net, input=name)
        expected = saliency.Occlusion(alone, 1).GetMask(INPUTS[name], others, size=sizes[name], value=value)
        np.testing.assert_allclose(masks[name], expected, rtol=1e-5, atol=1e-7)
    (cam,) = saliency.LayerCAM(net, 1, layer="conv").GetMasks({"image": IMAGES}, feed_dict={"table": TABLES}).values()
    assert cam.shape == (3, 4, 5)
    with pytest.raises(saliency.SaliencyError, match=r"\(for the input 'table'; pass inputs .* in `feed_dict`\)"):
        saliency.GradCAM(net, 1).GetMask(INPUTS)


def test_a_mask_of_zeros_is_reported_for_its_input():
    with pytest.warns(ZeroGradientWarning, match=r"the mask of `x_value\['table'\]`, sample \[0\], is zero everywhere"):
        saliency.Vanilla(Net(lambda one, other: one + 0 * other), 1).GetMask(INPUTS)
