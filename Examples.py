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
# Which parts of an image does a network's output depend on? This notebook answers this question with saliency masks.
# It uses a small network that is included in the library, so it needs no download. It runs in Torch or in TensorFlow:
# set `framework` in the next cell, and run all cells. [docs/methods.md](docs/methods.md) has the formula, options and
# source of every method.
#
# The source of this notebook is `Examples.py`; `make notebook` runs it and writes `Examples.ipynb`.

# %%
framework = "torch"  # or "tf"

# %%
import numpy as np

import saliency
from saliency import nets
from saliency.demo.scenes import load_scenes

network = nets.load("DemoNet", framework=framework)  # ten outputs: does the image contain a 0, a 1, ... a 9?
model = network.model  # a torch.nn.Module or a Keras model; use your own here

scenes = {scene.name: scene for scene in load_scenes()}
scene = scenes["scene_17"]  # a 3 and an 8
x = network.prepare(scene.picture)  # one preprocessed input, without the batch axis
scene.picture.resize((192, 192))

# %% [markdown]
# ## A mask
#
# A mask is an array of the input's shape. If it is the last value of a cell, the notebook shows it as a figure: the
# input, the magnitude of each pixel's attribution and, for a signed mask, its sign. The color scales are in the
# mask's units. The title contains the target, and the score if the method computes it anyway.

# %%
saliency.Vanilla(model, 3).GetMask(x)

# %% [markdown]
# The gradient of the score for the class 3 is largest on the digit 3. It is noisy: neighboring pixels have opposite
# signs. *SmoothGrad* averages the masks of noisy copies of the input. By default it averages the squared masks, so
# positive and negative values do not cancel, and the result has no sign.

# %%
saliency.Vanilla(model, 3).GetSmoothedMask(x, seed=0)

# %% [markdown]
# With the class 8 as target, the mask of the same network highlights the 8. Guided backpropagation keeps only
# positive gradients at each ReLU, so it shows the outline of the digit.

# %%
saliency.GuidedBackprop(model, 8).GetMask(x)

# %% [markdown]
# A mask is an instance of a subclass of `numpy.ndarray`. Computations with a mask return plain arrays.

# %%
mask = saliency.GuidedBackprop(model, 8).GetMask(x)
type(np.asarray(mask)), type(mask * 2), mask.shape == x.shape

# %% [markdown]
# ## Every method, plain and smoothed
#
# All masks have the class 3 as target, the digit on the left. Check two things in each map: does it highlight the 3,
# and how much of the rest of the image does it highlight?

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
    """Return the map to show: the magnitude of a gradient method's mask, the positive part of any other mask."""
    return saliency.VisualizeImageGrayscale(mask if method.differentiates else np.maximum(mask, 0))


maps = [strength(method, method.GetMask(x)) for method in plain.values()]
saliency.show([scene.picture, *maps], ["a 3 and an 8", *plain], columns=8, size=1.35)

# %% [markdown]
# Gradient methods resolve single pixels. Class activation maps have the resolution of a layer, here 24 by 24
# positions. Occlusion and RISE measure the score while parts of the image are covered; with 200 random masks, the map
# of RISE is still coarse. Not every method isolates the target: the map of `ScoreCAM` spreads over the background and
# the clutter, and the maps of `LayerCAM` and `GradCAMPlusPlus` also highlight parts of the 8.
#
# The next figure shows smoothed maps, the mean over the masks of 8 noisy copies. It omits `ScoreCAM`, `Occlusion` and
# `RISE`, which need hundreds of passes per mask, and `GradientSHAP`, which is already a mean over random points.

# %%
quick = [name for name in plain if name not in ("GradientSHAP", "ScoreCAM", "Occlusion", "RISE")]
few = {"IntegratedGradients": {"x_steps": 5}}  # for each of the 8 copies
smooth = [
    strength(plain[name], plain[name].GetSmoothedMask(x, nsamples=8, magnitude=False, seed=0, **few.get(name, {})))
    for name in quick
]
saliency.show([scene.picture, *smooth], ["a 3 and an 8", *quick], columns=6, size=1.35)

# %% [markdown]
# ## From a mask to an image
#
# `VisualizeImageGrayscale` shows the magnitude of each pixel's attribution and ignores its sign.
# `VisualizeImageDiverging` keeps the sign: red is evidence for the 3, blue is evidence against it. Both functions
# have the same names as in PAIR's `saliency`. `overlay` draws a mask over the image. All three return arrays.

# %%
mask = saliency.GuidedBackprop(model, 3).GetSmoothedMask(x, magnitude=False, seed=0)
saliency.show([scene.picture, saliency.VisualizeImageGrayscale(mask)], ["picture", "VisualizeImageGrayscale"], size=1.8)

# %%
signed = saliency.VisualizeImageDiverging(mask)
saliency.show([signed, saliency.overlay(x, mask)], ["VisualizeImageDiverging", "overlay"], size=1.8, cmap="coolwarm")

# %% [markdown]
# ## Targets other than a class
#
# **A filter of a convolution.** The target `(layer, channel)` is the mean of a channel over its positions. Specify
# the layer by name. This filter responds to horizontal lines: the stroke on the left, and the top and the bottom of
# the 3.

# %%
saliency.GuidedBackprop(model, ("conv4", 23)).GetMask(x)

# %% [markdown]
# **A unit.** The target `(layer, channel, row, column)` is one position of a channel. The mask is zero outside the unit's
# receptive field, a patch around the middle of the 3.

# %%
saliency.Vanilla(model, ("conv4", 23, 10, 14)).GetMask(x)

# %% [markdown]
# **A regression.** The target can be any function from the model's output to one number per sample. For a model with
# one output, use `y=0`. Here the function counts the digits that the network detects. Occluding a part of either
# digit lowers the count by up to almost one. Occluding the clutter does not change the count. The values of the map
# are numbers of digits.


# %%
def count(out):
    """Return the number of digits, the sum of the ten probabilities, from the logits (N, 10)."""
    return sum(1 / (1 + np.e ** -out[:, digit]) for digit in range(10))


saliency.Occlusion(model, count, size=15, stride=5, average=True).GetMask(x)

# %% [markdown]
# **A custom loss.** This loss measures how far the outputs are from "a 3, and nothing else". The 8 causes nearly all
# of the loss, so the mask highlights the 8: changing the image there would reduce the loss.


# %%
def loss(out):
    """Return the squared distance of the logits (N, 10) from +10 for the 3 and -10 for all others."""
    wanted = [10.0 if digit == 3 else -10.0 for digit in range(10)]
    return sum((out[:, digit] - wanted[digit]) ** 2 for digit in range(10))


saliency.GuidedBackprop(model, loss).GetMask(x)

# %% [markdown]
# **One class rather than another.** The target is the difference between two scores: red pixels are evidence for the 3,
# blue pixels for the 8.

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
# `GetMasks` accepts many inputs, and returns the same values as one call per input. Without a target, it explains the
# top class of each input. The notebook shows the first four masks of a batch.

# %%
names = [f"scene_{i:02}" for i in range(6)]
masks = saliency.GuidedBackprop(model).GetMasks([network.prepare(scenes[name].picture) for name in names])
masks

# %% [markdown]
# `masks[5]` is the sixth mask. Several targets for the same image share one forward pass. `details["score"]` contains
# the scores: only those of the 3 and the 8 are positive, so the network detects these two digits and no other.

# %%
ten = saliency.Vanilla(model).GetMasks([x] * 10, y=range(10))
{digit: round(float(score), 1) for digit, score in enumerate(ten.details["score"])}

# %% [markdown]
# ## Numerical accuracy: the completeness gap
#
# Integrated gradients sum to the change in score from a baseline to the image. The baseline here is a uniform
# mid-gray image, which is 0 after preprocessing. Numerical integration only approximates this sum; the difference is
# the *gap*. Compare the gap with the change in score: at 1% the map is as accurate as the method allows; at 30% it is
# a different map.

# %%
for steps in (3, 10, 30, 90):
    details = saliency.IntegratedGradients(model, 3).GetMask(x, x_steps=steps, details=True).details
    gap, change = float(details["gap"]), float(details["change"])
    print(f"{steps:3} steps: gap {gap:+.3f} of {change:+.2f}, {abs(gap / change):.1%}")

# %% [markdown]
# Instead of the number of steps, you can set a tolerance. The method then adds points until the relative gap is no
# larger than the tolerance. `details` records the number of points.

# %%
mask = saliency.IntegratedGradients(model, 3).GetMask(x, tolerance=0.01)
print({name: round(float(mask.details[name]), 2) for name in ("score", "gap", "change", "points")})
mask

# %% [markdown]
# ## Numerical accuracy: the standard error
#
# A smoothed mask is a mean over random copies, so it depends on the random seed. Its standard error estimates the
# uncertainty of each pixel. The right panel keeps only pixels whose mean is more than two standard errors from zero.
# The values of all other pixels, shown in black, may be due to chance.

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
# `GetSmoothedMask(x, tolerance=0.05)` adds noisy copies until the relative standard error of the whole mask is 5%.
#
# ## Does the map depend on the network? Two sanity checks
#
# **Random weights.** If a map stays the same when the network's weights are randomized, it shows the image and not
# the network ([arXiv:1810.03292](https://arxiv.org/abs/1810.03292)). The top row shows maps of the trained network.
# The bottom row shows the same layers with random weights, and the correlation of the two maps. In the bottom row,
# the 3 should no longer be visible, and it is not.

# %%
untrained = nets.untrained(0, framework)
checked = {
    "Vanilla": saliency.Vanilla,
    "IntegratedGradients": saliency.IntegratedGradients,
    "GuidedBackprop": saliency.GuidedBackprop,
    "GradCAM": saliency.GradCAM,
    "LayerCAM": saliency.LayerCAM,
}
pairs = [
    [saliency.VisualizeImageGrayscale(method(net, 3).GetMask(x)) for net in (model, untrained)] for method in checked.values()
]
alike = [np.corrcoef(before.ravel(), after.ravel())[0, 1] for before, after in pairs]
titles = [*checked, *(f"random: {value:+.2f}" for value in alike)]
saliency.show([before for before, _ in pairs] + [after for _, after in pairs], titles, columns=5, size=1.5)

# %% [markdown]
# **A spurious feature.** A second network, `ShortcutNet`, was trained on images in which every 3 had a magenta tag.
# Both networks detect the 3 in this scene, but the mask of `ShortcutNet` highlights the tag.

# %%
tagged = scenes["scene_24"]
shortcut = nets.load("ShortcutNet", framework=framework)
found = [saliency.GuidedBackprop(net.model, 3).GetMask(net.prepare(tagged.picture)) for net in (network, shortcut)]
titles = [
    "a 3 and a tag",
    *(f"{net.name}: {mask.details['score']:+.1f}" for net, mask in zip((network, shortcut), found, strict=True)),
]
saliency.show([tagged.picture, *map(saliency.VisualizeImageGrayscale, found)], titles, size=1.8)

# %% [markdown]
# ## Is this map right?
#
# `saliency.metrics.compare` measures methods on your own network and images. *Deletion* replaces the pixels of the
# image, the highest of the map first: the sooner the score drops, the better. *Mass accuracy* is the share of the map
# that lies on the digit. Each method is measured beside controls that know nothing of the network: a random map, the
# edges of the image, a Gaussian in its center, and a blurred copy of its own map. The bars are 95% intervals over the
# images. [docs/howto/is_this_map_right.md](docs/howto/is_this_map_right.md) tells what each metric can and cannot show.

# %%
from functools import partial

from saliency import metrics

some = list(scenes.values())[:14]
digits = [scene.digits[0] for scene in some]
compared = metrics.compare(
    model,
    [network.prepare(scene.picture) for scene in some],
    {"GuidedBackprop": saliency.GuidedBackprop, "GradCAM": saliency.GradCAM},
    [partial(metrics.deletion, steps=10, probability=True), metrics.mass_accuracy],
    digits,
    objects=[scene.mask(digit) for scene, digit in zip(some, digits, strict=True)],
)
compared.figure()

# %% [markdown]
# The notes list every metric that does not prefer a method to one of its controls. Deletion cannot tell the maps from
# their blurred copies, because whole patches of pixels change the score as much as the right ones. The digits of these
# scenes are near the center, so even a Gaussian there does well.

# %%
print("\n".join(compared.notes))

# %% [markdown]
# ## Regions instead of pixels
#
# Some methods hide whole regions and evaluate the score, so they need no gradients and explain any function.
# The regions are superpixels (`"slic"` needs scikit-image), the cells of a grid, or labels of your own. Shapley
# values average what a region adds to the score, over random orders in which the regions appear. They sum to the
# score of the image minus the score without any region.

# %%
mask = saliency.ShapleySampling(model, 3).GetMask(x, regions="slic", n_regions=40, permutations=8, seed=0)
values, errors = mask.details["region_values"], mask.details["region_errors"]
best = values.argmax()
print(f"{len(values)} regions; the sum of their values is {values.sum():+.2f}")
print(f"the region that adds most adds {values[best]:+.2f}, with a standard error of {errors[best]:.2f}")
mask

# %% [markdown]
# ## A transformer
#
# `DemoViT` is a vision transformer for the same scenes: 12 by 12 patches and a class token. Its attention weights show
# which patches it combines. `AttentionRollout` multiplies them over the layers, so it is the same map for every class.
# `AttentionRelevance` weights them by their gradients, and `LeGrad` asks which weights raise the score of each layer's
# own tokens. `LRP` redistributes the score through attention, normalizations and GELUs to the pixels.

# %%
transformer = nets.load("DemoViT", framework=framework)
tokens = transformer.prepare(scene.picture)
found = {}
for digit in (3, 8):
    for method in (saliency.AttentionRollout, saliency.AttentionRelevance, saliency.LeGrad):
        found[f"{method.__name__}: the {digit}"] = method(transformer.model, digit).GetMask(tokens)
    found[f"LRP: the {digit}"] = saliency.LRP(transformer.model, digit, rule="attn-lrp").GetMask(tokens)
maps = [saliency.VisualizeImageGrayscale(np.maximum(mask, 0)) for mask in found.values()]
saliency.show(maps, list(found), columns=4, size=1.8)

# %% [markdown]
# [docs/transformers.md](docs/transformers.md) says which method supports which transformer.

# %% [markdown]
# ## Migrating from DNNBrain
#
# `saliency.compat.dnnbrain` keeps DNNBrain's names, so only the imports of your code change. Channel numbers start at
# 1, as in DNNBrain: channel 4 of the last layer is the 3. The classes accept DNNBrain's networks, and any network
# that `nets.load` returns. In the images below, gray means zero.

# %%
from saliency.compat.dnnbrain import GuidedSaliencyImage, VanillaSaliencyImage, ip

guided = GuidedSaliencyImage(network, "fc1", 4)
vanilla = VanillaSaliencyImage(network, "fc1", 4)
images = [guided.backprop(scene.picture), vanilla.backprop(scene.picture), vanilla.backprop_smooth(scene.picture, 20, seed=0)]
pictures = [ip.to_pil(np.moveaxis(image, network.channel_axis, 0), normalization=True) for image in images]
saliency.show(pictures, ["guided", "vanilla", "vanilla, smoothed"], size=1.8)

# %% [markdown]
# ## Migrating from keras-vis
#
# `saliency.compat.keras_vis` keeps the functions of keras-vis, so only the imports of your code change. The functions
# accept Keras models and Torch modules. Layer -1 is the output; specify other layers by name. Inputs include the
# batch axis, and maps range from 0 to 1. [docs/keras-vis.md](docs/keras-vis.md) lists the differences from keras-vis.

# %%
from saliency.compat.keras_vis import visualize_cam, visualize_saliency

filters = {"the 3": 3, "the 8": 8}
inputs = x[None]
found = [visualize_saliency(model, -1, digit, inputs, backprop_modifier="guided") for digit in filters.values()]
found += [visualize_cam(model, -1, digit, inputs, penultimate_layer_idx="relu6") for digit in filters.values()]
titles = [f"{way}: {name}" for way in ("saliency", "CAM") for name in filters]
saliency.show([scene.picture, *found], ["a 3 and an 8", *titles], size=1.6)

# %% [markdown]
# ## Migrating from PAIR's `saliency`
#
# `GetMask`, `GetSmoothedMask` and `VisualizeImage*` have the same names as in PAIR's `saliency`. For a TensorFlow 1
# graph and its session, use `saliency.tf`; see [docs/tensorflow.md](docs/tensorflow.md).
#
# ## DNNBrain's files
#
# `saliency.io` reads and writes stimuli, activations and masks in DNNBrain's file formats; see
# [docs/dnnbrain.md](docs/dnnbrain.md).

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
# `nets.load` accepts the name of any classifier of torchvision or Keras. This cell does not download anything: it uses
# weights that are already on this machine, and is skipped if there are none. The mask explains the network's top
# class, and should highlight the flower.

# %%
import os
from importlib.util import find_spec

if framework == "torch":
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

if known and find_spec("sklearn"):  # scikit-learn includes a sample photograph
    from PIL import Image
    from sklearn.datasets import load_sample_image

    large = nets.load(known[0], framework=framework)
    flower = large.prepare(Image.fromarray(load_sample_image("flower.jpg")))
    shown = saliency.GuidedBackprop(large.model).GetMask(flower)
else:
    shown = f"Skipped: this machine has no weights for {', '.join(files)}, or scikit-learn is not installed."
shown
