"""The Torch adapter: the right gradient from any kind of model, and a model that is left as it was."""

import sys
import threading

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import saliency
from saliency import GuidedBackprop, Vanilla
from saliency.core.request import Request
from saliency.core.target import Target

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3, 8, 8)).astype(np.float32)


class Small(torch.nn.Module):
    def __init__(self, head=None):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 6, 3, padding=1)
        self.bn = torch.nn.BatchNorm2d(6)
        self.relu = torch.nn.ReLU(inplace=True)
        self.drop = torch.nn.Dropout(0.5)
        self.fc = torch.nn.Linear(6 * 64, 5)
        self.head = head or torch.nn.Identity()

    def forward(self, x):
        return self.head(self.fc(self.drop(self.relu(self.bn(self.conv(x)))).flatten(1)))


def small(head=None):
    torch.manual_seed(0)
    model = Small(head)
    with torch.no_grad():  # running statistics that are not the batch's
        model.bn.running_mean.normal_()
        model.bn.running_var.uniform_(0.5, 2)
    return model.eval()


def by_hand(model, y, x=X, read=lambda model, x: model(x)):
    """d score / d x straight from autograd."""
    x = torch.tensor(x, requires_grad=True)
    (gradient,) = torch.autograd.grad(read(model, x)[:, y].sum(), x)
    return gradient.numpy()


def test_the_gradient_is_autograd_s():
    model = small()
    for y in range(5):
        np.testing.assert_array_equal(Vanilla(model, y).GetMasks(X), by_hand(model, y))
        np.testing.assert_allclose(Vanilla(model, y).GetMask(X[1]), by_hand(model, y)[1], rtol=1e-4, atol=1e-6)


def test_targets_of_many_inputs_are_their_own():
    model = small()
    together = Vanilla(model).GetMasks(X, y=[0, [1, 2], 4, 3])
    expected = [by_hand(model, 0)[0], (by_hand(model, 1) + by_hand(model, 2))[1], by_hand(model, 4)[2], by_hand(model, 3)[3]]
    np.testing.assert_allclose(together, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["numpy", "list", "float64", "integers", "tensor", "tensor with graph", "double"])
def test_inputs_of_any_type(kind):
    model, x = small(), np.rint(X[0] * 3)
    expected = by_hand(model, 2, x[None])[0]
    turn = {
        "numpy": lambda: x,
        "list": lambda: x.tolist(),
        "float64": lambda: x.astype(np.float64),
        "integers": lambda: x.astype(np.int16),
        "tensor": lambda: torch.tensor(x),
        "tensor with graph": lambda: torch.tensor(x, requires_grad=True) * 1,
        "double": lambda: torch.tensor(x, dtype=torch.float64),
    }
    mask = Vanilla(model, 2).GetMask(turn[kind]())
    assert mask.dtype == np.float32
    np.testing.assert_allclose(mask, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.bfloat16, 0.05), (torch.float16, 0.005)])
def test_models_of_other_precision(dtype, tolerance):
    model = small()
    expected = by_hand(model, 2)
    mask = Vanilla(model.to(dtype), 2).GetMasks(X)
    assert mask.dtype == (np.float64 if dtype == torch.float64 else np.float32)
    assert np.abs(mask - expected).max() <= tolerance * np.abs(expected).max()
    smooth = Vanilla(model, 2).GetSmoothedMask(X[0], seed=1)
    reference = Vanilla(small(), 2).GetSmoothedMask(X[0], seed=1)
    assert np.abs(smooth - reference).max() <= 3 * tolerance * reference.max()


HEADS = {
    "Softmax": torch.nn.Softmax(1),
    "LogSoftmax": torch.nn.LogSoftmax(1),
    "Sigmoid": torch.nn.Sigmoid(),
    "F.softmax": lambda z: F.softmax(z, -1),
    "torch.sigmoid": torch.sigmoid,
    "softmax, then reshaped and cast": lambda z: z.view(-1, 5, 1, 1).softmax(1).squeeze(-1).flatten(1).double().float(),
}


class Head(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, z):
        return self.function(z)


@pytest.mark.parametrize("head", HEADS)
def test_a_class_behind_a_softmax_or_sigmoid_is_explained_by_its_logit(head):
    logits = by_hand(small(), 2)
    model = small(Head(HEADS[head]))
    probabilities = by_hand(model, 2)
    assert np.abs(logits - probabilities).max() > 0.1 * np.abs(logits).max()
    for mask in (Vanilla(model, 2), Vanilla(saliency.wrap(torch.export.export(model, (torch.tensor(X),))), 2)):
        for _ in range(2):
            np.testing.assert_allclose(mask.GetMasks(X), logits, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(Vanilla(model, 2, logits=False).GetMasks(X), probabilities)
    np.testing.assert_array_equal(Vanilla(model, lambda out: out[:, 2]).GetMasks(X), probabilities)
    guided = GuidedBackprop(small(), 2).GetMasks(X)
    np.testing.assert_allclose(GuidedBackprop(model, 2).GetMasks(X), guided, rtol=1e-4, atol=1e-6)


def test_logits_that_were_overwritten_are_told():
    model = small(Head(lambda z: (z * 1).sigmoid_()))
    with pytest.raises(saliency.ModelError, match=r"in place.*logits=False"):
        Vanilla(model, 2).GetMask(X[0])
    np.testing.assert_array_equal(Vanilla(model, 2, logits=False).GetMasks(X), by_hand(model, 2))


RESHAPED = {
    "squeeze of two axes": lambda z: z.view(-1, 5, 1, 1).softmax(1).squeeze((2, 3)),
    "channels last": lambda z: z.view(-1, 5, 1, 1).permute(0, 2, 3, 1).softmax(-1).permute(0, 3, 1, 2),
    "transposed": lambda z: z.t().softmax(0).t(),
    "moved": lambda z: z.softmax(1).movedim(0, 1).movedim(1, 0),
    "a part of it": lambda z: z.softmax(1)[:, 1:4],
}


@pytest.mark.parametrize("head", RESHAPED)
def test_logits_are_found_through_reshapes_and_parts(head):
    y = 1 if head == "a part of it" else 2  # the part begins at class 1
    logits = by_hand(small(), 2)
    np.testing.assert_allclose(Vanilla(small(Head(RESHAPED[head])), y).GetMasks(X), logits, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "head", [lambda z: z.softmax(1) * torch.arange(5.0), lambda z: z.softmax(1).clamp(1e-7, 1), lambda z: z.softmax(1).log(),
             lambda z: torch.cat([z[:, :3].sigmoid(), z[:, 3:].sigmoid()], 1)],
)  # fmt: skip
def test_arithmetic_behind_a_softmax_is_told(head):
    model = small(Head(head))
    with pytest.warns(saliency.LogitWarning, match="logits=False"):
        mask = Vanilla(model, 2).GetMasks(X)
    np.testing.assert_array_equal(mask, by_hand(model, 2))
    np.testing.assert_array_equal(Vanilla(model, 2, logits=False).GetMasks(X), mask)


@pytest.mark.parametrize(
    "head", [lambda z: z.softmax(1).clamp(1e-7, 1), lambda z: z.softmax(1).log()[:, :4], lambda z: 100 * z.softmax(1),
             lambda z: torch.cat([z[:, :3].sigmoid(), z[:, 3:].sigmoid()], 1)],
)  # fmt: skip
def test_arithmetic_behind_a_softmax_is_told_where_no_graph_shows_it(head):
    mask = saliency.Occlusion(small(Head(head)), 2, size=8)
    with pytest.warns(saliency.LogitWarning, match="logits=False"):
        masks = mask.GetMasks(X)
    np.testing.assert_array_equal(saliency.Occlusion(small(Head(head)), 2, size=8, logits=False).GetMasks(X), masks)


def test_a_softmax_that_comes_and_goes_is_found():
    class Sometimes(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = small()

        def forward(self, x):
            return self.inner(x).softmax(1) if x[0, 0, 0, 0] < 0 else 100 * self.inner(x)

    adapter, x = saliency.wrap(Sometimes().eval()), torch.tensor(X)
    x[:, 0, 0, 0] = 1.0
    for _ in range(2):
        torch.testing.assert_close(adapter.outputs(x, Request(Target.of([2]))), 100 * adapter.model.inner(x))
        x = -x
        torch.testing.assert_close(adapter.outputs(x, Request(Target.of([2]))), adapter.model.inner(x))
        x = -x


@pytest.mark.parametrize("mask", [saliency.Vanilla, saliency.GradCAM, saliency.Occlusion])
def test_a_model_that_works_on_its_input_in_place_is_given_the_same_input_again(mask):
    class InPlace(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = small(torch.nn.Softmax(1))

        def forward(self, x):
            return self.inner(x.mul_(2).sub_(0.5))

    options = {"size": 4} if mask is saliency.Occlusion else {}
    ours = mask(InPlace().eval(), 2)
    first = ours.GetMask(X[0], **options)
    np.testing.assert_array_equal(ours.GetMask(X[0], **options), first)


def test_a_gate_is_no_end():
    gated = small(Head(lambda z: z * (2 * z.mean(1, keepdim=True).sigmoid())))
    saliency.Occlusion(gated, 2, size=8).GetMasks(X)  # a warning would be an error


def test_the_end_of_a_scripted_model_is_told():
    with pytest.warns(DeprecationWarning):
        model = torch.jit.script(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 5), torch.nn.Softmax(1)))
    for _ in range(3):
        model(torch.tensor(X, requires_grad=True))
    with pytest.warns(saliency.LogitWarning):
        Vanilla(model, 2).GetMask(X[0])


def test_attention_inside_a_model_is_neither_its_end_nor_kept():
    class Attention(torch.nn.Module):
        def forward(self, x):
            tokens = x.flatten(2).transpose(1, 2)  # (N, 64, 3)
            for _ in range(3):
                tokens = (tokens @ tokens.transpose(1, 2)).softmax(-1) @ tokens
            return tokens.mean(1)

    model = Attention()
    np.testing.assert_allclose(Vanilla(model, 2).GetMasks(X), by_hand(model, 2), rtol=1e-4, atol=1e-7)
    Vanilla(model).GetMask(X[0])


def test_outputs_are_logits_where_they_are_asked_for():
    from saliency.core.target import Target

    adapter, x = saliency.wrap(small(torch.nn.Softmax(1))), torch.tensor(X)
    logits = small()(x)
    torch.testing.assert_close(adapter.outputs(x, Request(Target())), logits)
    torch.testing.assert_close(adapter.outputs(x, Request(Target(logits=False))), logits.softmax(1))


def test_layers_channels_and_units():
    model = small()

    def conv(model, x):
        return model.conv(x)

    expected = by_hand(model, 4, read=lambda m, x: conv(m, x).mean((2, 3)))
    for layer in ("conv", model.conv):
        np.testing.assert_allclose(Vanilla(model, (layer, 4)).GetMasks(X), expected, atol=1e-8)
    unit = by_hand(model, 4, read=lambda m, x: conv(m, x)[:, :, 3, 5])
    np.testing.assert_array_equal(Vanilla(model, ("conv", 4, 3, 5)).GetMasks(X), unit)
    assert np.argwhere(unit[0].any(0)).min(0).tolist() == [2, 4]  # what a 3 x 3 kernel at (3, 5) sees
    assert np.argwhere(unit[0].any(0)).max(0).tolist() == [4, 6]
    behind = by_hand(model, 1, read=lambda m, x: torch.relu(m.bn(m.conv(x))).mean((2, 3)))
    np.testing.assert_allclose(Vanilla(model, ("relu", 1)).GetMasks(X), behind, atol=1e-8)
    both = Vanilla(model).GetMasks(X[:2], y=[("conv", 4), ("conv", 1)])
    np.testing.assert_allclose(both[0], expected[0], atol=1e-8)


def test_the_output_of_a_segmentation_network_counts_by_its_mean():
    model = small()
    net = torch.nn.Sequential(model.conv, model.bn)
    np.testing.assert_allclose(Vanilla(net, 3).GetMasks(X), by_hand(net, 3, read=lambda m, x: m(x).mean((2, 3))), atol=1e-8)
    unit = by_hand(net, 3, read=lambda m, x: m(x)[:, :, 1, 2])
    np.testing.assert_array_equal(Vanilla(net, (None, 3, 1, 2)).GetMasks(X), unit)


def test_a_callable_explains_any_number_of_the_output():
    model = small()
    loss = Vanilla(model, lambda out: F.cross_entropy(out, torch.tensor([1] * len(out)), reduction="none")).GetMask(X[0])
    x = torch.tensor(X[:1], requires_grad=True)
    (expected,) = torch.autograd.grad(F.cross_entropy(model(x), torch.tensor([1])), x)
    np.testing.assert_allclose(loss, expected[0], atol=1e-7)


class TwoInputs(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(10, 3)

    def forward(self, x, words, scale, double=False):
        gate = self.embed(words).mean(1)  # (N, 3)
        return {"scores": x.mean((2, 3)) * gate * scale * (2 if double else 1), "more": None}


def test_other_inputs_come_by_name():
    torch.manual_seed(0)
    model = TwoInputs()
    feed = {"words": [1, 2, 2], "scale": np.array([0.5]), "double": True}
    mask = Vanilla(model, lambda out: out["scores"].sum(1)).GetMask(X[0], feed)
    gate = model.embed.weight[[1, 2, 2]].mean(0).detach().numpy()
    np.testing.assert_allclose(mask, np.broadcast_to(gate[:, None, None] / 64, (3, 8, 8)), rtol=1e-5)
    assert feed["words"] == [1, 2, 2]
    smooth = Vanilla(model, lambda out: out["scores"].sum(1), batch_size=4).GetSmoothedMask(X[0], feed, magnitude=False)
    np.testing.assert_allclose(smooth, mask, rtol=1e-5)
    many = {"words": [[1, 2, 2], [3, 4, 5]], "scale": [[0.5], [2.0]], "double": True}
    masks = Vanilla(model, lambda out: out["scores"].sum(1), batch_size=1).GetMasks(X[:2], feed_dict=many)
    np.testing.assert_allclose(masks[0], mask, rtol=1e-5)
    assert abs(masks[1]).max() > 2 * abs(mask).max() or not np.allclose(masks[1], mask)
    with pytest.raises(saliency.ModelError, match="output is a dict.*callable"):
        Vanilla(model, 2).GetMask(X[0], feed)


def test_other_inputs_may_be_infinite_but_must_be_numbers():
    class Masked(torch.nn.Module):
        def forward(self, x, bias):
            return (x.flatten(2).mean(2) + bias).softmax(1)

    mask = Vanilla(Masked(), 0, logits=False).GetMask(X[0], {"bias": [0.0, 0.0, -np.inf]})
    assert mask[0].any() and mask[1].any() and not mask[2].any()
    with pytest.raises(saliency.InputError, match=r"`feed_dict\['bias'\]` \(list\) must be an array of numbers"):
        Vanilla(Masked(), 0).GetMask(X[0], {"bias": ["a", "b", "c"]})


def state_of(model):
    """Everything of a model and of Torch that a call could change."""
    modules = [(name, module.training, {k: len(v) for k, v in vars(module).items() if "hooks" in k}, sorted(vars(module)))
               for name, module in model.named_modules()]  # fmt: skip
    tensors = [(name, id(t), t._version, t.requires_grad, None if t.grad is None else t.grad.clone(), t.detach().clone())
               for name, t in (*model.named_parameters(), *model.named_buffers())]  # fmt: skip
    generators = (
        torch.get_rng_state().tobytes() if hasattr(torch.Tensor, "tobytes") else torch.get_rng_state().numpy().tobytes()
    )
    return repr((modules, tensors)), generators, torch.is_grad_enabled(), np.random.get_state()[1].tobytes()


def interrupted(out):
    raise KeyboardInterrupt


@pytest.mark.parametrize("rule", [Vanilla, GuidedBackprop, saliency.Deconvnet])
@pytest.mark.parametrize("y", [1, ("conv", 2), ("nothing", 1), 99, interrupted])
@pytest.mark.parametrize("mode", ["train", "eval", "mixed"])
def test_the_model_is_left_as_it_was(rule, y, mode):
    model = small().train(mode == "train")
    if mode == "mixed":
        model.bn.train()
        model.conv.weight.requires_grad_(False)
    model(torch.tensor(X)).sum().backward()
    before = state_of(model)
    try:
        rule(model, y).GetSmoothedMask(X[0], nsamples=3)
    except (saliency.TargetError, KeyboardInterrupt):
        assert y not in (1, ("conv", 2))
    except saliency.ModelError:
        assert y == ("conv", 2) and rule is not Vanilla  # there is no ReLU in front of conv
    assert state_of(model) == before


def test_an_interrupt_while_flags_are_set_leaves_no_trace(monkeypatch):
    class Stubborn(torch.nn.Linear):
        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            if name == "training" and value is False:
                raise KeyboardInterrupt

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4), Stubborn(4, 2), torch.nn.ReLU())
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            Vanilla(model, 0).GetMask(X[0])
        assert all(module.training for module in model.modules())


def test_a_model_and_its_part_in_two_threads():
    part = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Dropout(0.5), torch.nn.Flatten())
    whole = torch.nn.Sequential(part, torch.nn.Linear(144, 5)).train()
    statistics, expected, wrong = part[1].running_mean.clone(), Vanilla(part, 3).GetMasks(X), []

    def work(model, y):
        for _ in range(40):
            mask = Vanilla(model, y).GetMasks(X)
            if model is part and not np.array_equal(mask, expected):
                wrong.append(1)

    threads = [threading.Thread(target=work, args=job) for job in ((part, 3), (whole, 2), (whole, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and torch.equal(part[1].running_mean, statistics)
    assert all(module.training for module in whole.modules())
    if "torch._dynamo" in sys.modules:
        assert sys.modules["torch._dynamo.eval_frame"]._stance.stance == "default"


def test_a_norm_without_running_statistics_is_told():
    model = torch.nn.Sequential(torch.nn.BatchNorm2d(3, track_running_stats=False), torch.nn.Flatten())
    with pytest.warns(UserWarning, match="`0` has no running statistics.*batch_size=1"):
        Vanilla(model, 0)


def test_a_model_that_moves_or_changes_type_later():
    model = small()
    mask = Vanilla(model, 2)
    expected = mask.GetMask(X[0])
    model.double()
    assert np.abs(mask.GetMask(X[0]) - expected).max() <= 1e-5 * np.abs(expected).max()


def test_a_layer_in_front_of_a_relu_in_place():
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(inplace=True), torch.nn.Flatten())
    expected = by_hand(net, 2, read=lambda m, x: m[0](x).mean((2, 3)))
    np.testing.assert_allclose(Vanilla(net, ("0", 2)).GetMasks(X), expected, atol=1e-8)


def test_other_inputs_are_cast_and_never_spoilt():
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.ones((), dtype=torch.float64))

        def forward(self, x, scale):
            scale.mul_(2)
            assert scale.dtype == torch.float64
            return x.mean((2, 3)) * scale * self.w

    scale = torch.ones(3)
    for _ in range(2):
        np.testing.assert_allclose(Vanilla(Scaled(), 0).GetMask(X[0], {"scale": scale})[0], 2 / 64)
    assert scale.tolist() == [1, 1, 1]
    smooth = Vanilla(Scaled(), 0, batch_size=2).GetSmoothedMask(X[0], {"scale": np.float32(1)}, nsamples=5, magnitude=False)
    np.testing.assert_allclose(smooth[0], 2 / 64)


def test_a_model_in_train_mode_is_explained_as_in_eval_mode():
    np.testing.assert_array_equal(Vanilla(small().train(), 2).GetMasks(X), by_hand(small(), 2))


def test_a_model_that_works_on_its_input_in_place_spoils_nobody_s_numbers():
    class Model(torch.nn.Module):
        def forward(self, x):
            x.sub_(1.0).mul_(2.0)
            return x.square().mean((2, 3))

    x = torch.tensor(X[0])
    for y in (1, None):
        mask = Vanilla(Model(), y).GetMask(x)
        top = int(((X[0] - 1) ** 2).mean((1, 2)).argmax()) if y is None else y
        expected = np.zeros_like(X[0])
        expected[top] = 8 * (X[0, top] - 1) / 64
        np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-6)
    assert np.array_equal(x.numpy(), X[0])


def test_a_model_that_draws_random_numbers_does_not_move_the_generator():
    before = torch.get_rng_state()
    Vanilla(Head(lambda x: (x + torch.randn_like(x)).square().mean((2, 3))), 1).GetMask(X[0])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_callers_without_gradients_and_frozen_models(context):
    model = small().requires_grad_(False)
    expected = by_hand(small(), 1)[0]
    with context():
        for x in (X[0], torch.tensor(X[0])):
            np.testing.assert_allclose(Vanilla(model, 1).GetMask(x), expected, rtol=1e-4, atol=1e-6)
        smooth = Vanilla(model, 1).GetSmoothedMask(X[0], seed=0)
        assert torch.is_grad_enabled() is False
    np.testing.assert_array_equal(smooth, Vanilla(small(), 1).GetSmoothedMask(X[0], seed=0))


def test_a_model_made_under_inference_mode_is_told():
    with torch.inference_mode():
        model = small()
    with pytest.raises(saliency.ModelError, match=r"`conv.weight` is an inference tensor"):
        Vanilla(model)


def test_threads_do_not_hear_of_each_other():
    model = small().train()
    expected = {Vanilla: by_hand(small(), 2), GuidedBackprop: GuidedBackprop(model, 2).GetMasks(X)}
    wrong = []

    def work(mask, y):
        for _ in range(15):
            got = mask(model, y).GetMasks(X)
            if y == 2 and not np.array_equal(got, expected[mask]):
                wrong.append(mask.__name__)

    jobs = [(Vanilla, 2), (GuidedBackprop, 2), (Vanilla, ("conv", 1)), (GuidedBackprop, 2)]
    threads = [threading.Thread(target=work, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: Vanilla(m, 0).GetMask(X[0, :1]), r"failed for `x_value` of shape \(1, 8, 8\), 1 at a time: .*3 channels"),
        (lambda m: Vanilla(m, 0).GetMask(X[0, :, :6]), r"failed for `x_value` of shape \(3, 6, 8\)"),
        (lambda m: Vanilla(m, 0).GetMask(X), r"failed for `x_value` of shape \(4, 3, 8, 8\)"),
        (lambda m: Vanilla(m, 0).GetMask(X[0], {"colour": [1]}), r"unexpected keyword argument 'colour'"),
        (lambda m: Vanilla(m, 5).GetMask(X[0]), r"class or channel 5 is not in the model's output, which has 5 \(0 to 4\)"),
        (lambda m: Vanilla(m, ("conv", 6)).GetMask(X[0]), r"channel 6 is not in layer 'conv', which has 6"),
        (lambda m: Vanilla(m, ("conv", 0, 8, 0)).GetMask(X[0]), r"row 8 is not in layer 'conv', which has 8 \(0 to 7\)"),
        (lambda m: Vanilla(m, ("conv", 0, 0, -1)).GetMask(X[0]), r"column -1 is not in layer 'conv'"),
        (lambda m: Vanilla(m, ("fc", 0, 1, 1)).GetMask(X[0]), r"names a row and a column, but layer 'fc' has the shape \(N, 5\)"),
        (lambda m: Vanilla(m, ("cnov", 0)).GetMask(X[0]), r"`layer` \(='cnov'\) .* nearest: conv"),
        (lambda m: Vanilla(m, (torch.nn.ReLU(), 0)).GetMask(X[0]), r"`layer` \(ReLU\) must be a part of the model"),
        (lambda m: Vanilla(m, lambda out: out.sum()).GetMask(X[0]), r"one number per sample, shape \(1,\); it returned shape \(\)"),
        (lambda m: Vanilla(m, lambda out: 3.0).GetMask(X[0]), r"one number per sample, shape \(1,\); it returned a float"),
        (lambda m: Vanilla(m, lambda out: out[:, 0].detach()).GetMask(X[0]), r"does not depend on the input"),
        (lambda m: Vanilla(m, lambda out: m.fc.weight.sum()[None]).GetMask(X[0]), r"does not depend on `x_value`: no path"),
        (lambda m: Vanilla(m, 0).GetMask(X[0] / 0 * 0), r"`x_value` holds"),
        (lambda m: Vanilla(m, 0).GetMask(torch.full((3, 8, 8), torch.nan)), r"`x_value` .* must hold finite"),
        (lambda m: Vanilla(m, 0).GetMask(torch.zeros(3, 8, 8, dtype=torch.complex64)), r"`x_value` .* finite real numbers"),
        (lambda m: Vanilla(Head(lambda x: x.sum()), 0).GetMask(X[0]), r"shape \(\) for 1 input\(s\); it must be \(1, ...\)"),
        (lambda m: Vanilla(Head(lambda x: x.mean((2, 3))[:1]), 0).GetMasks(X), r"shape \(1, 3\) for 4 input"),
        (lambda m: Vanilla(Head(lambda x: x.mean((2, 3)) + torch.nan), 0).GetMask(X[0]), r"the score is nan"),
        (lambda m: Vanilla(Small, 0), r"the class .*Small, not an instance of it"),
    ],
)  # fmt: skip
def test_bad_input_is_told_by_name_value_and_rule(call, message):
    with np.errstate(all="ignore"), pytest.raises(saliency.SaliencyError, match=message):
        call(small())


def test_a_layer_that_is_called_twice_or_never_is_told():
    model = torch.nn.Sequential(shared := torch.nn.Conv2d(3, 3, 1), shared, torch.nn.Flatten())
    with pytest.raises(saliency.TargetError, match="called 2 times"):
        Vanilla(model, (shared, 0)).GetMask(X[0])
    model = small()
    model.spare = torch.nn.Linear(2, 2)
    with pytest.raises(saliency.TargetError, match="'spare' was not called"):
        Vanilla(model, ("spare", 0)).GetMask(X[0])


def test_a_model_with_one_number_per_sample():
    model = Head(lambda x: x.square().mean((1, 2, 3)))
    for y in (0, None):
        np.testing.assert_allclose(Vanilla(model, y).GetMask(X[0]), X[0] * 2 / X[0].size, rtol=1e-5)


def test_a_nan_in_the_gradient_is_an_error():
    x = X[0] * (X[0] > 0)
    with pytest.raises(saliency.GradientError, match="NaN"):
        Vanilla(Head(lambda x: x.abs().sqrt().mean((2, 3))), 0).GetMask(x)
