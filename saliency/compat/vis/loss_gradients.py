"""What keras-vis's functions ask of a network: the gradients of weighted losses, and what is done to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.compat.vis.losses import ActivationMaximization, counted_from_0, total
from saliency.compat.vis.network import Network
from saliency.compat.vis.seeds import Seeds
from saliency.core.errors import InputError, TargetError
from saliency.core.gradient_modifiers import EPSILON
from saliency.core.mask import SaliencyMask
from saliency.core.request import Request
from saliency.core.shape_hints import add_shape_hints
from saliency.core.target import Target
from saliency.core.types import Array

Host = npt.NDArray[Any]


@dataclass(frozen=True)
class Question:
    """The gradients of losses of N inputs.

    Args:
        network, seeds: see these.
        at: the layer's output that gradients are taken by; None for the input.
        y: the losses' sum as a mask's ``y``.
        scale: what its gradient is multiplied by.
        own: it has a loss of the user's, whose inputs may not be independent of each other.
        logits, exact: see ``keras_vis.visualize_saliency``.
    """

    network: Network
    seeds: Seeds
    at: Any
    y: Any
    scale: float
    own: bool
    logits: bool
    exact: bool

    @classmethod
    def of(
        cls, network: Network, losses: Sequence[tuple[Any, float]], seed_input: Any, wrt_tensor: Any, logits: bool, exact: bool
    ) -> "Question":
        """Ask for losses with their weights, by the input or another tensor.

        Raises:
            InputError, TargetError: if one of these is not what it must be.
        """
        name, at = network.leaf(wrt_tensor)
        seeds = Seeds.of(seed_input, network.inputs(), name)
        losses = checked(losses)
        if len(losses) == 1 and isinstance(losses[0][0], ActivationMaximization):
            y, scale = _units(network, losses[0][0], seeds, logits)
            return cls(network, seeds, at, y, -scale * losses[0][1], False, logits, exact)
        layers = tuple(network.layer(loss.layer) for loss, _ in losses)
        if None in layers:
            raise TargetError("the layer of a loss (=None) must be named where there are several, or one of your own")
        own = not all(isinstance(loss, ActivationMaximization) for loss, _ in losses)
        y = layers, total(losses, network.channels, network.adapter.xp)
        return cls(network, seeds, at, y, 1.0, own, logits, exact)

    def masks(self, method: type[SaliencyMask], modify: Callable[[Host], Host] | None, **options: Any) -> Host:
        """Return a method's masks (N, *mask), whose gradients, arrays of NumPy, were modified all at once or one by one."""
        size = self.seeds.n if self.exact else 1 if self.own else "auto"
        modifier = None if modify is None and self.scale == 1 and not self.exact else self._modifier(modify or (lambda g: g))
        mask = method(self.network.adapter, self.y, modifier=modifier, batch_size=size, logits=self.logits)
        options = {"rule": self.network.rule, "allow_no_relu": self.exact, **options}
        return np.asarray(mask.GetMasks(self.seeds.x, feed_dict=self.seeds.feed, **options))

    def finished(self, maps: Host, normalize: bool) -> Host:
        """Return maps (N, *map) from 0 to 1, or raw, without the batch axis of a single one."""
        if normalize and self.exact:
            maps = normalised(maps)
        elif normalize:
            maps = np.stack([normalised(one) for one in maps])
        found: Host = maps[0] if len(maps) == 1 or self.exact else maps
        return found

    def strongest(self, maps: Host) -> Host:
        """Return the maximum over channels, where there are some: of a single axis keras-vis makes one number."""
        channels = self.at is not None or self.network.adapter.channel_axis is not None
        found: Host = maps.max(axis=self.network.channels) if self.exact or (channels and maps.ndim > 2) else maps
        return found

    def _modifier(self, modify: Callable[[Host], Host]) -> Callable[[Array], Array]:
        adapter = self.network.adapter

        def modifier(gradients: Array) -> Array:
            host = adapter.numpy(gradients)
            host = host * host.dtype.type(self.scale)
            if self.exact:  # of the mean over the batch
                found = np.asarray(modify(host / len(host)))
            else:
                found = np.concatenate([np.asarray(modify(host[i : i + 1])) for i in range(len(host))])
            if found.shape != host.shape:
                raise InputError(
                    f"`grad_modifier` gave the shape {found.shape} for gradients of {host.shape}: it must keep it"
                )
            return adapter.asarray(found.astype(host.dtype), "grad_modifier")

        return modifier


def normalised(maps: Host) -> Host:
    """Return numbers from 0 to 1: (maps - minimum) / (maximum - minimum + 1e-7)."""
    low, high = maps.min(), maps.max()
    found: Host = (maps - low) / (high - low + np.asarray(EPSILON, maps.dtype))
    return found


def checked(losses: Any) -> list[tuple[Any, float]]:
    """Return pairs of losses and weights.

    Raises:
        InputError: if they are none, or there is none.
    """
    pairs = list(losses) if isinstance(losses, list | tuple) else []
    if not pairs or any(not isinstance(pair, list | tuple) or len(pair) != 2 or not _is_loss(pair[0]) for pair in pairs):
        raise InputError("`losses` must be a list of pairs (loss, weight); a loss has a `layer` and `build_loss()`")
    return [(loss, float(weight)) for loss, weight in pairs]


def _is_loss(loss: Any) -> bool:
    return hasattr(loss, "layer") and callable(getattr(loss, "build_loss", None))


def _units(network: Network, loss: ActivationMaximization, seeds: Seeds, logits: bool) -> tuple[Any, float]:
    """Return the target of filters, and what turns their sum into keras-vis's score: a mean where all are meant."""
    layer, indices = network.layer(loss.layer), loss.filter_indices
    layer = None if logits and network.is_output(layer) else layer
    found, scale = list(indices or ()), 1.0
    if indices is None or min(indices) < 0:  # their number is needed
        adapter = network.adapter
        feed = {name: adapter.asfeed(value[:1], name) for name, value in seeds.feed.items()}
        with add_shape_hints(adapter):
            shape = adapter.outputs(adapter.stack(seeds.x[:1], "seed_input"), Request(Target(layer, logits=False), feed)).shape
        found = counted_from_0(indices, int(shape[1]) if len(shape) > 1 else 1)
        scale = 1 / len(found) if indices is None else 1.0
    return (found if layer is None else (layer, found)), scale
