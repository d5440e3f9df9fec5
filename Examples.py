# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Examples
#
# Which parts of a picture did a network look at? This notebook asks an embedded network, so it runs without a download,
# in Torch or in TensorFlow: set `flavour`, and run all cells. [docs/methods.md](docs/methods.md) has every method's
# formula, options and source.
#
# The text is kept in `Examples.py`; `make notebook` runs it and writes `Examples.ipynb`.

# %%
flavour = "torch"  # or "tf"

# %%
import numpy as np

import saliency
from saliency import nets
from saliency.demo.scenes import load_scenes

network = nets.load("DemoNet", framework=flavour)  # ten outputs: is there a 0, a 1, ... a 9?
model = network.model  # a torch.nn.Module or a Keras model; yours will do as well

scenes = {scene.name: scene for scene in load_scenes()}
scene = scenes["scene_17"]  # a 3 and an 8
x = network.prepare(scene.picture)  # one input as the model takes it, without the batch axis
scene.picture.resize((192, 192))

# %% [markdown]
# ## A mask
#
# A mask is an array of the input's shape. At the end of a cell it shows itself: the input, how strongly each pixel
# counts, and which way, with the scale in the mask's units; above them the target and its score, where the method has
# found that out on its way.

# %%
saliency.Vanilla(model, 3).GetMask(x)

# %% [markdown]
# The gradient for the 3 is strongest on the 3, and noisy: neighbouring pixels pull in opposite directions. *SmoothGrad*
# averages the masks of noisy copies; by default it averages their squares, so that nothing cancels and no sign is left.

# %%
saliency.Vanilla(model, 3).GetSmoothedMask(x, seed=0)

# %% [markdown]
# Asked for the 8, the same network lights up the 8. Guided backpropagation passes on only what speaks for the class,
# and so draws the outline of the digit.

# %%
saliency.GuidedBackprop(model, 8).GetMask(x)

# %% [markdown]
# It is still a NumPy array, and what is computed from it is a plain one.

# %%
mask = saliency.GuidedBackprop(model, 8).GetMask(x)
type(np.asarray(mask)), type(mask * 2), mask.shape == x.shape

# %% [markdown]
# ## Every method, plain and smoothed
#
# All of them are asked for the 3, on the left. Look for two things: is the 3 what lights up, and how much of the rest
# does?

# %%
plain = {
    "Vanilla": saliency.Vanilla(model, 3),
    "InputXGradient": saliency.InputXGradient(model, 3),
    "IntegratedGradients": saliency.IntegratedGradients(model, 3, x_steps=12),
    "GradientSHAP": saliency.GradientSHAP(model, 3, x_baseline=["blur", "min", "max"], x_steps=12, seed=0),
    "Deconvnet": saliency.Deconvnet(model, 3),
    "GuidedBackprop": saliency.GuidedBackprop(model, 3),
    "GuidedGradCAM": saliency.GuidedGradCAM(model, 3),
    "GradCAM": saliency.GradCAM(model, 3),
    "GradCAMPlusPlus": saliency.GradCAMPlusPlus(model, 3),
    "XGradCAM": saliency.XGradCAM(model, 3),
    "LayerCAM": saliency.LayerCAM(model, 3),
    "HiResCAM": saliency.HiResCAM(model, 3),
    "ScoreCAM": saliency.ScoreCAM(model, 3),
    "Occlusion": saliency.Occlusion(model, 3, size=15, stride=6, average=True),
    "RISE": saliency.RISE(model, 3, nmasks=200, seed=0),
}


def strength(method, mask):
    """Return what speaks for the score: either sign of a gradient's mask, the positive part of others."""
    return saliency.VisualizeImageGrayscale(mask if method.differentiates else np.maximum(mask, 0))


maps = [strength(method, method.GetMask(x)) for method in plain.values()]
saliency.show([scene.picture, *maps], ["a 3 and an 8", *plain], columns=8, size=1.35)

# %% [markdown]
# The maps by gradients know pixels; the class activation maps know a layer's 24 by 24 places; occlusion and RISE only
# ask what happens when a part is hidden, and RISE with 200 masks is still rough. `ScoreCAM` spreads over background and
# clutter, and `LayerCAM` and `GradCAMPlusPlus` find some of the 8: not every method answers the question that was
# asked.
#
# The same smoothed: the mean of the masks of 8 noisy copies. `ScoreCAM`, `Occlusion` and `RISE` take hundreds of passes
# for a mask, and `GradientSHAP` is a mean over random points already; smoothing these is left to you.

# %%
quick = [name for name in plain if name not in ("GradientSHAP", "ScoreCAM", "Occlusion", "RISE")]
few = {"IntegratedGradients": {"x_steps": 5}}  # for each of the 8 copies
smooth = [
    strength(plain[name], plain[name].GetSmoothedMask(x, nsamples=8, magnitude=False, seed=0, **few.get(name, {})))
    for name in quick
]
saliency.show([scene.picture, *smooth], ["a 3 and an 8", *quick], columns=6, size=1.35)

# %% [markdown]
# ## From a mask to a picture
#
# `VisualizeImageGrayscale` shows how strongly each pixel counts, whatever the sign. `VisualizeImageDiverging` keeps the
# sign: red speaks for the 3, blue against it. `overlay` lays a mask over the picture. All are PAIR's, or go with them,
# and return arrays.

# %%
mask = saliency.GuidedBackprop(model, 3).GetSmoothedMask(x, magnitude=False, seed=0)
saliency.show([scene.picture, saliency.VisualizeImageGrayscale(mask)], ["picture", "VisualizeImageGrayscale"], size=1.8)

# %%
signed = saliency.VisualizeImageDiverging(mask)
saliency.show([signed, saliency.overlay(x, mask)], ["VisualizeImageDiverging", "overlay"], size=1.8, cmap="coolwarm")

# %% [markdown]
# ## Other targets than a class
#
# **A filter of a convolution.** `(layer, channel)` is the mean of a channel over its places; the layer goes by its
# name. This one likes lines that lie level: the stroke on the left, and the top and the bottom of the 3.

# %%
saliency.GuidedBackprop(model, ("conv4", 23)).GetMask(x)

# %% [markdown]
# **A unit.** `(layer, channel, row, column)` is one place of it. The mask ends where the unit's receptive field does: a
# patch around the middle of the 3.

# %%
saliency.Vanilla(model, ("conv4", 23, 10, 14)).GetMask(x)

# %% [markdown]
# **A regression.** The target can be any function from the model's output to one number per sample, and a model with
# one output is explained with `y=0`. Here the output is made a count, of the digits that the network sees. Covering
# parts of either digit lowers the count, at most by almost one; covering the clutter changes nothing. The scale is in
# digits.


# %%
def count(out):
    """Return how many digits there are: the sum of the ten probabilities, of the ten logits (N, 10)."""
    return sum(1 / (1 + np.e ** -out[:, digit]) for digit in range(10))


saliency.Occlusion(model, count, size=15, stride=5, average=True).GetMask(x)

# %% [markdown]
# **A loss of your own.** How far are the answers from "a 3, and nothing else"? Nearly all of this loss is due to the 8,
# and that is where a change of the picture would lower it.


# %%
def loss(out):
    """Return the squared distance of the logits (N, 10) from +10 for the 3 and -10 for all others."""
    wanted = [10.0 if digit == 3 else -10.0 for digit in range(10)]
    return sum((out[:, digit] - wanted[digit]) ** 2 for digit in range(10))


saliency.GuidedBackprop(model, loss).GetMask(x)

# %% [markdown]
# **Why this rather than that?** The difference of two scores: red pixels speak for the 3, blue ones for the 8.

# %%
difference = saliency.IntegratedGradients(model, lambda out: out[:, 3] - out[:, 8]).GetSmoothedMask(
    x, nsamples=8, magnitude=False, seed=0, x_steps=5
)
saliency.show(
    [scene.picture, saliency.VisualizeImageDiverging(difference)],
    ["a 3 and an 8", "3 (red) or 8 (blue)?"],
    size=1.8,
    cmap="coolwarm",
)

# %% [markdown]
# ## Batches
#
# `GetMasks` takes many inputs and gives the same numbers as one at a time. Without a target it is each one's top class.
# The first four show themselves.

# %%
names = [f"scene_{i:02}" for i in range(6)]
masks = saliency.GuidedBackprop(model).GetMasks([network.prepare(scenes[name].picture) for name in names])
masks

# %% [markdown]
# `masks[5]` is the sixth. One picture for several targets takes one forward pass for all of them, and
# `details["score"]` has the scores: the network sees the 3 and the 8, and nothing else.

# %%
ten = saliency.Vanilla(model).GetMasks([x] * 10, y=range(10))
{digit: round(float(score), 1) for digit, score in enumerate(ten.details["score"])}

# %% [markdown]
# ## How good is the number? The completeness gap
#
# Integrated gradients add up to the score's change from a baseline (here a mean grey picture, which is 0 after
# preprocessing) to the picture. An integral that is taken in steps misses that by a *gap*. Read it relative to the
# change: at 1 % the map is as good as the method gets; at 30 % it is some other map.

# %%
for steps in (3, 10, 30, 90):
    details = saliency.IntegratedGradients(model, 3).GetMask(x, x_steps=steps, details=True).details
    gap, change = float(details["gap"]), float(details["change"])
    print(f"{steps:3} steps: gap {gap:+.3f} of {change:+.2f}, {abs(gap / change):.1%}")

# %% [markdown]
# Rather than choosing the steps, say what you can bear. Points are added until the gap is that small; the details tell
# how many it took.

# %%
mask = saliency.IntegratedGradients(model, 3).GetMask(x, tolerance=0.01)
print({name: round(float(value), 2) for name, value in mask.details.items()})
mask

# %% [markdown]
# ## How good is the number? The standard error
#
# A smoothed mask is a mean over random copies, so that another seed gives another one. Its standard error says how far
# it may be off, pixel by pixel. On the right is where the mean is more than two standard errors from zero: what is
# black there may be chance.

# %%
mask = saliency.IntegratedGradients(model, 3, x_steps=3).GetSmoothedMask(
    x, nsamples=24, magnitude=False, seed=0, standard_error=True
)
error = mask.details["standard_error"]
print(f"relative standard error of the whole mask: {np.linalg.norm(error) / np.linalg.norm(mask):.0%}")
beyond = saliency.VisualizeImageGrayscale(np.where(np.abs(mask) > 2 * error, mask, 0))
titles = ["mean of 24", "standard error", "mean beyond 2 errors"]
saliency.show([saliency.VisualizeImageGrayscale(mask), saliency.VisualizeImageGrayscale(error), beyond], titles, size=1.8)

# %% [markdown]
# `GetSmoothedMask(x, tolerance=0.05)` draws copies until the error of the whole mask is 5 %.
#
# ## Is it the network that speaks? Two sanity checks
#
# **Random weights.** A map that stays the same when the network forgets all it has learned shows the picture, and not
# the network ([arXiv:1810.03292](https://arxiv.org/abs/1810.03292)). Above the trained network, below the same layers
# with random weights; the figure is the correlation of the two maps. The 3 must go out, and it does.

# %%
forgetful = nets.untrained(0, flavour)
checked = {
    "Vanilla": saliency.Vanilla,
    "IntegratedGradients": saliency.IntegratedGradients,
    "GuidedBackprop": saliency.GuidedBackprop,
    "GradCAM": saliency.GradCAM,
    "LayerCAM": saliency.LayerCAM,
}
pairs = [
    [saliency.VisualizeImageGrayscale(method(net, 3).GetMask(x)) for net in (model, forgetful)] for method in checked.values()
]
alike = [np.corrcoef(before.ravel(), after.ravel())[0, 1] for before, after in pairs]
titles = [*checked, *(f"random: {value:+.2f}" for value in alike)]
saliency.show([before for before, _ in pairs] + [after for _, after in pairs], titles, columns=5, size=1.5)

# %% [markdown]
# **Right for the wrong reason.** Every 3 that the second embedded network learned from had a magenta tag. Asked for the
# 3, both networks say yes, but one of them looks at the tag.

# %%
tagged = scenes["scene_24"]
shortcut = nets.load("ShortcutNet", framework=flavour)
found = [saliency.GuidedBackprop(net.model, 3).GetMask(net.prepare(tagged.picture)) for net in (network, shortcut)]
titles = [
    "a 3 and a tag",
    *(f"{net.name}: {mask.details['score']:+.1f}" for net, mask in zip((network, shortcut), found, strict=True)),
]
saliency.show([tagged.picture, *map(saliency.VisualizeImageGrayscale, found)], titles, size=1.8)

# %% [markdown]
# ## Coming from DNNBrain
#
# `saliency.compat.dnnbrain` has DNNBrain's names and its counting from 1: channel 4 of the last layer is the 3. In your
# code the import is what changes. Grey is zero in these images. It takes DNNBrain's networks, or any that `nets.load`
# returns.

# %%
from saliency.compat.dnnbrain import GuidedSaliencyImage, VanillaSaliencyImage, ip

guided = GuidedSaliencyImage(network, "fc1", 4)
vanilla = VanillaSaliencyImage(network, "fc1", 4)
images = [guided.backprop(scene.picture), vanilla.backprop(scene.picture), vanilla.backprop_smooth(scene.picture, 20, seed=0)]
pictures = [ip.to_pil(np.moveaxis(image, network.channel_axis, 0), normalization=True) for image in images]
saliency.show(pictures, ["guided", "vanilla", "vanilla, smoothed"], size=1.8)

# %% [markdown]
# ## Coming from keras-vis
#
# `saliency.compat.keras_vis` has keras-vis's functions; in your code the import is what changes. They take Keras's
# networks, as there, and Torch's: the output is layer -1, other layers go by their names, inputs have their batch axis,
# and maps run from 0 to 1. [docs/keras-vis.md](docs/keras-vis.md) tells what is mended.

# %%
from saliency.compat.keras_vis import visualize_cam, visualize_saliency

filters = {"the 3": 3, "the 8": 8}
inputs = x[None]
found = [visualize_saliency(model, -1, digit, inputs, backprop_modifier="guided") for digit in filters.values()]
found += [visualize_cam(model, -1, digit, inputs, penultimate_layer_idx="relu6") for digit in filters.values()]
titles = [f"{way}: {name}" for way in ("saliency", "CAM") for name in filters]
saliency.show([scene.picture, *found], ["a 3 and an 8", *titles], size=1.6)

# %% [markdown]
# Users of PAIR's `saliency` find `GetMask`, `GetSmoothedMask` and `VisualizeImage*` under the same names; a graph with
# its session is explained by `saliency.tf`, see [docs/tensorflow.md](docs/tensorflow.md).
#
# ## DNNBrain's files
#
# Stimuli, activations and masks are read and written in DNNBrain's layout: [docs/dnnbrain.md](docs/dnnbrain.md).

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

from saliency.io import act, dmask, stim

table = stim.read(Path(saliency.__file__).parent / "demo" / "scenes.stim.csv")
print(f"{len(table)} stimuli of type {table.type}; columns: {', '.join(table.data)}")

shown = [network.prepare(scenes[Path(name).stem].picture) for name in table.data["stimID"][:3]]
logits = [saliency.Vanilla(model).GetMasks([one] * 10, y=range(10)).details["score"] for one in shown]
with TemporaryDirectory() as folder:
    dmask.write(dmask.Dmask({"fc1": dmask.Units(channels=range(3))}), Path(folder) / "first.dmask.csv")
    act.write(act.Activation({"fc1": np.array(logits)}), Path(folder) / "scenes.act.h5")
    units = dmask.read(Path(folder) / "first.dmask.csv")
    chosen = act.read(Path(folder) / "scenes.act.h5").mask(units)["fc1"]
    print("logits of the digits 0 to 2, of three scenes:", chosen.read().reshape(3, 3).round(1), sep="\n")

# %% [markdown]
# ## A larger network
#
# Any network of torchvision's or Keras's goes by its name. Nothing is downloaded here: the cell looks for weights that
# are on this machine already, and passes if there are none. Asked for its top class, the network should light up the
# flower.

# %%
import os
from importlib.util import find_spec

if flavour == "torch":
    cache = Path(os.environ.get("TORCH_HOME", Path.home() / ".cache" / "torch")) / "hub" / "checkpoints"
    files = {
        "squeezenet1_0": "squeezenet1_0-*.pth",
        "resnet18": "resnet18-*.pth",
        "vgg16": "vgg16-*.pth",
        "alexnet": "alexnet-*.pth",
    }
else:
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    files = {"MobileNetV2": "mobilenet_v2_*_1.0_224.h5", "VGG16": "vgg16_*_kernels.h5", "ResNet50": "resnet50_*_kernels.h5"}
known = [name for name, pattern in files.items() if any(cache.glob(pattern))]

if known and find_spec("sklearn"):  # which has a photograph
    from PIL import Image
    from sklearn.datasets import load_sample_image

    large = nets.load(known[0], framework=flavour)
    flower = large.prepare(Image.fromarray(load_sample_image("flower.jpg")))
    shown = saliency.GuidedBackprop(large.model).GetMask(flower)
else:
    shown = f"Left out: none of {', '.join(files)} has its weights on this machine, or scikit-learn is not installed."
shown
