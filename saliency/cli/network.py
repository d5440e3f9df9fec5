"""Load the network of a command and move it to a device."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from saliency import nets
from saliency.cli.options import CommandError, OptionParser, finite_number, positive_integer
from saliency.cli.run_log import print_message
from saliency.nets.file_rules import MAX_MODEL_BYTES, WEIGHTS_TIMEOUT

if TYPE_CHECKING:
    from saliency.nets.preparation import Float32


def add_network_options(parser: OptionParser) -> None:
    """Add the options that choose a network and its device."""
    add = parser.add_option
    add(
        "net",
        required=True,
        metavar="Net",
        help="network: DemoNet; a network of DNNBrain such as AlexNet, of torchvision or of keras.applications; "
        "timm/NAME, hf/NAME or open_clip/NAME; a .keras or .pt file; package.module:function or file.py:function",
    )
    add("weights", metavar="FILE", help="file of weights: safetensors, Torch state dict or .weights.h5")
    prompts = "classes of a zero-shot network such as open_clip/NAME: one prompt each"
    add("prompts", nargs="+", metavar="PROMPT", help=prompts)
    add("framework", choices=tuple(nets.FRAMEWORKS), help="framework (default: that of the file, or torch)")
    add("device", metavar="Device", help="device: cpu, cuda, cuda:1, ... (default for Torch: cpu)")
    add("batch", type=positive_integer, metavar="N", help="maximum batch size (default: by the size of the images)")
    add("trust", action="store_true", help="allow files that can run code when they are loaded")
    limit = "largest size of a file of a model or weights, and of what it declares (default: 8 GiB)"
    add("max-model-bytes", type=positive_integer, default=MAX_MODEL_BYTES, metavar="N", help=limit)
    timeout = "time limit in seconds for reading an HDF5 file that is not trusted (default: 300)"
    add("weights-timeout", type=finite_number, default=WEIGHTS_TIMEOUT, metavar="SECONDS", help=timeout)


def load_network(options: argparse.Namespace) -> nets.Network:
    """Return the network of ``-net`` on ``-device``; as in DNNBrain, images are resized to its input size without cropping.

    Raises:
        CommandError, ValueError, RuntimeError, OSError: if it cannot be loaded.
    """
    from saliency.nets.registry import framework_of

    if options.weights is not None and not os.path.isfile(options.weights):
        raise CommandError(f"-weights ({options.weights}) must be a file, but it does not exist")
    framework = options.framework or framework_of(options.net)
    if options.device is not None and framework == "tf":
        _restrict_tensorflow_devices(options.device)
    network = nets.load(
        options.net,
        options.weights,
        options.framework,
        options.trust,
        max_model_bytes=options.max_model_bytes,
        weights_timeout=options.weights_timeout,
        prompts=options.prompts,
    )
    if network.frames is not None:
        raise CommandError(f"-net ({options.net}) must be a network of images; this one classifies videos")
    if options.device is not None and framework != "tf":
        if not hasattr(network.model, "to"):
            raise CommandError(f"-device (={options.device}) needs -framework tf for a Keras network that is built by code")
        _move_to_device(network.model, options.device)
    if network.guessed:
        print_message(
            f"note: -net ({options.net}) does not specify its preprocessing: images are resized to {network.size[0]} x "
            f"{network.size[1]} RGB pixels and normalized with ImageNet's mean and standard deviation. "
            '"saliency help networks" describes how to specify it'
        )
    return network.whole_picture()


def gray_input(network: nets.Network) -> Float32:
    """Return a gray image, preprocessed for the network."""
    from PIL import Image

    height, width = network.size
    return network.prepare(Image.new("RGB", (width, height), "gray"))


def _move_to_device(model: Any, device: str) -> None:
    try:
        model.to(device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # Torch asserts that it was built with CUDA
        reason = str(error).splitlines()[0]
        raise CommandError(f"-device (={device}) must be a Torch device of this machine: {reason}") from error


def _restrict_tensorflow_devices(device: str) -> None:
    """Hide all other devices from TensorFlow; this must come before it initializes them."""
    import tensorflow as tf

    kind, _, number = device.lower().replace("cuda", "gpu").partition(":")
    gpus = tf.config.list_physical_devices("GPU")
    if kind not in ("cpu", "gpu") or (number and not number.isdecimal()):
        raise CommandError(f"-device (={device}) must be cpu, gpu or gpu:N")
    if kind == "gpu" and int(number or 0) >= len(gpus):
        raise CommandError(
            f"-device (={device}) must be a TensorFlow device of this machine, which has a CPU and {len(gpus)} GPUs"
        )
    try:
        tf.config.set_visible_devices(gpus[int(number or 0) :][:1] if kind == "gpu" else [], "GPU")
    except RuntimeError as error:
        raise CommandError(f"-device (={device}) cannot be set after TensorFlow has started: {error}") from error
