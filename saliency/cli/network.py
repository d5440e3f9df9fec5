"""The network of a command: by name, on a device."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from saliency import nets
from saliency.cli.options import Parser, Refused, count
from saliency.cli.run_log import say
from saliency.nets.preparation import Float32
from saliency.nets.registry import framework_of


def network_options(parser: Parser) -> None:
    """Add the options that name a network and where it runs."""
    parser.option(
        "net",
        required=True,
        metavar="Net",
        help="DemoNet; AlexNet and DNNBrain's others; any of torchvision's or keras.applications's; a .keras or .pt file; "
        "package.module:function or file.py:function",
    )
    parser.option("weights", metavar="FILE", help="the network's weights: safetensors, a plain Torch state dict, .weights.h5")
    parser.option("framework", choices=tuple(nets.FRAMEWORKS), help="torch or tf (default: the file's, or torch)")
    parser.option("device", metavar="Device", help="cpu, cuda, cuda:1, ... (default in Torch: cpu)")
    parser.option("batch", type=count, metavar="N", help="pictures in one pass at most (default: by their size)")
    parser.option("trust", action="store_true", help="also load files that can run code when they are loaded")


def load(options: argparse.Namespace) -> nets.Network:
    """Return the network of ``-net``, on ``-device``; it is shown whole pictures, squashed, as DNNBrain's are.

    Raises:
        Refused, ValueError, RuntimeError, OSError: with one line that says what is wrong.
    """
    if options.weights is not None and not Path(options.weights).is_file():  # told before a framework is imported
        raise Refused(f"-weights ({options.weights}) must be a file; there is none of this name")
    home = options.framework or framework_of(options.net)
    if options.device is not None and home == "tf":
        _see(options.device)
    network = nets.load(options.net, options.weights, options.framework, options.trust)
    if options.device is not None and home != "tf":
        if not hasattr(network.model, "to"):
            raise Refused(f"-device (={options.device}) needs -framework tf for a network of Keras's that code makes")
        _move(network.model, options.device)
    if network.guessed:
        say(
            f"note: -net ({options.net}) does not say how it sees pictures: they become {network.size[0]} x {network.size[1]} "
            "pixels in RGB, with ImageNet's mean and deviation. docs/networks.md tells how it can say so"
        )
    return replace(network, resize=None)


def grey(network: nets.Network) -> Float32:
    """Return a grey picture, as the network prepares it."""
    height, width = network.size
    return network.prepare(Image.new("RGB", (width, height), "gray"))


def _move(model: Any, device: str) -> None:
    try:
        model.to(device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # Torch asserts that it was built with CUDA
        raise Refused(f"-device (={device}) must be one of Torch's that is here: {str(error).splitlines()[0]}") from error


def _see(device: str) -> None:
    """Hide from TensorFlow all devices but one, before it looks for them."""
    import tensorflow as tf

    kind, _, number = device.lower().replace("cuda", "gpu").partition(":")
    there = tf.config.list_physical_devices("GPU")
    if kind not in ("cpu", "gpu") or (number and not number.isdecimal()):
        raise Refused(f"-device (={device}) must be cpu, gpu or gpu:N")
    if kind == "gpu" and int(number or 0) >= len(there):
        raise Refused(f"-device (={device}) must be one of TensorFlow's that is here, which are cpu and {len(there)} GPUs")
    try:
        tf.config.set_visible_devices(there[int(number or 0) :][:1] if kind == "gpu" else [], "GPU")
    except RuntimeError as error:
        raise Refused(f"-device (={device}) can't be chosen any more: {error}") from error
