"""Gradients of weighted losses, which all of keras-vis's functions are computed from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.compat.vis.channel_axes import channel_axis_of
from saliency.compat.vis.losses import ActivationMaximization, nonnegative_indices, weighted_sum
from saliency.compat.vis.network import Network
from saliency.compat.vis.seed_inputs import SeedInputs
from saliency.core.adapter_request import Request
from saliency.core.errors import InputError, TargetError
from saliency.core.gradient_modifiers import EPSILON
from saliency.core.mask import SaliencyMask
from saliency.core.shape_hints import add_shape_hints
from saliency.core.target import Target
from saliency.core.types import Array
from saliency.core.validation import boolean, real_number

NumpyArray = npt.NDArray[Any]
LARGEST_WEIGHT = 1e30
"""The largest magnitude of a loss's weight, so that products in single precision do not overflow."""


@dataclass(frozen=True)
class LossGradients:
    """Compute masks from the gradients of losses for N inputs.

    Args:
        network: the network.
        seeds: the inputs.
        at: the layer output with respect to which gradients are computed; None for the input.
        y: the sum of the losses, as the ``y`` of a mask.
        scale: factor of the gradients.
        has_custom_loss: whether a loss is user-defined. Its value for an input may depend on the other inputs of the batch.
        logits, exact: see ``keras_vis.visualize_saliency``.
    """

    network: Network
    seeds: SeedInputs
    at: Any
    y: Any
    scale: float
    has_custom_loss: bool
    logits: bool
    exact: bool

    @classmethod
    def of(
        cls, network: Network, losses: Sequence[tuple[Any, float]], seed_input: Any, wrt_tensor: Any, logits: bool, exact: bool
    ) -> "LossGradients":
        """Check a user's losses, inputs and tensor, and bind them to a network.

        Raises:
            InputError, TargetError: if an argument is invalid.
        """
        exact = boolean("exact", exact)
        name, at = network.resolve_wrt(wrt_tensor)
        seeds = SeedInputs.of(seed_input, network.inputs(), name)
        losses = check_losses(losses)
        if len(losses) == 1 and isinstance(losses[0][0], ActivationMaximization):
            y, scale = _filter_target(network, losses[0][0], seeds, logits)
            return cls(network, seeds, at, y, -scale * losses[0][1], False, logits, exact)
        layers = tuple(network.layer(loss.layer) for loss, _ in losses)
        if None in layers:
            raise TargetError("the layer of a loss (=None) must be given when there are several losses or a user-defined loss")
        custom = not all(isinstance(loss, ActivationMaximization) for loss, _ in losses)
        y = layers, weighted_sum(losses, _channel_axes(network, losses, layers, seeds), network.adapter.xp)
        return cls(network, seeds, at, y, 1.0, custom, logits, exact)

    def compute_masks(
        self, method: type[SaliencyMask], modify: Callable[[NumpyArray], NumpyArray] | None, **options: Any
    ) -> NumpyArray:
        """Compute a method's masks (N, *mask) with modified gradients.

        Args:
            method: the class of the mask.
            modify: a function of NumPy gradients, called once with all inputs if ``exact``, else once per input.
            **options: passed to ``GetMasks``.
        """
        size = self.seeds.count if self.exact else 1 if self.has_custom_loss else "auto"
        unmodified = modify is None and self.scale == 1 and not self.exact
        modifier = None if unmodified else self._modifier(modify or (lambda g: g))
        mask = method(self.network.adapter, self.y, modifier=modifier, batch_size=size, logits=self.logits)
        mask.checks_batches = not self.exact  # there, a loss reads the whole batch
        options = {"rule": self.network.rule, "allow_no_relu": self.exact, **options}
        return np.asarray(mask.GetMasks(self.seeds.x, feed_dict=self.seeds.feed, **options))

    def finalize(self, maps: NumpyArray, normalize: bool) -> NumpyArray:
        """Return maps (N, *map), scaled to [0, 1] if ``normalize``, without the batch axis if there is only one."""
        if boolean("normalize", normalize) and self.exact:
            maps = scale_to_unit_range(maps)
        elif normalize:
            maps = np.stack([scale_to_unit_range(one) for one in maps])
        result: NumpyArray = maps[0] if len(maps) == 1 or self.exact else maps
        return result

    def channel_maximum(self, maps: NumpyArray) -> NumpyArray:
        """Return the maximum over channels, or the maps if they have no channels. keras-vis reduces even a single axis."""
        own, axis = self.network.adapter.channel_axis, self.network.channels
        if self.at is not None and maps.ndim > 2:
            axis = channel_axis_of(self.network, self.at.layer, self.seeds, "wrt_tensor")
        elif self.at is None and own is not None:
            axis = 1 if own == 0 else -1
        reduce = self.exact or ((self.at is not None or own is not None) and maps.ndim > 2)
        result: NumpyArray = maps.max(axis=axis) if reduce else maps
        return result

    def _modifier(self, modify: Callable[[NumpyArray], NumpyArray]) -> Callable[[Array], Array]:
        adapter = self.network.adapter

        def modifier(gradients: Array) -> Array:
            host = adapter.numpy(gradients)
            host = host * host.dtype.type(self.scale)
            if self.exact:  # the gradient of the batch mean
                modified = np.asarray(modify(host / len(host)))
            else:
                modified = np.concatenate([np.asarray(modify(host[i : i + 1])) for i in range(len(host))])
            if modified.shape != host.shape:
                raise InputError(
                    f"`grad_modifier` returned shape {modified.shape} for gradients of shape {host.shape}: it must keep "
                    "the shape"
                )
            return adapter.asarray(modified.astype(host.dtype), "grad_modifier")

        return modifier


def scale_to_unit_range(maps: NumpyArray) -> NumpyArray:
    """Scale values to [0, 1]: (maps - minimum) / (maximum - minimum + 1e-7)."""
    low, high = maps.min(), maps.max()
    scaled: NumpyArray = (maps - low) / (high - low + np.asarray(EPSILON, maps.dtype))
    return scaled


def check_losses(losses: Any) -> list[tuple[Any, float]]:
    """Return losses and weights as a list of pairs.

    Raises:
        InputError: if ``losses`` is empty or not a list of such pairs, or a weight is not a finite number.
    """
    pairs = list(losses) if isinstance(losses, list | tuple) else []
    if not pairs or any(not isinstance(pair, list | tuple) or len(pair) != 2 or not _is_loss(pair[0]) for pair in pairs):
        raise InputError(
            "`losses` must be a list of pairs (loss, weight); a loss has an attribute `layer` and a method `build_loss()`"
        )
    return [(loss, real_number("weight", weight, -LARGEST_WEIGHT, LARGEST_WEIGHT)) for loss, weight in pairs]


def _is_loss(loss: Any) -> bool:
    return hasattr(loss, "layer") and callable(getattr(loss, "build_loss", None))


def _channel_axes(
    network: Network, losses: Sequence[tuple[Any, float]], layers: Sequence[Any], seeds: SeedInputs
) -> tuple[int, ...]:
    """Return the channel axis of each loss's layer; the usual one for a loss that reads the output itself, or all of it."""
    reads = [isinstance(loss, ActivationMaximization) and loss.filter_indices is not None for loss, _ in losses]
    return tuple(
        channel_axis_of(network, layer, seeds, "layer") if named else network.channels
        for layer, named in zip(layers, reads, strict=True)
    )


def _filter_target(network: Network, loss: ActivationMaximization, seeds: SeedInputs, logits: bool) -> tuple[Any, float]:
    """Return the target for a loss's filters, and the factor from its sum to keras-vis's score.

    The factor is 1 / number of filters if ``filter_indices`` is None, since the score is then a mean; otherwise 1.
    """
    layer, indices = network.layer(loss.layer), loss.filter_indices
    layer = None if logits and network.is_output(layer) else layer
    filters, scale = list(indices or ()), 1.0
    if indices is None or min(indices) < 0:  # needs the number of filters
        adapter = network.adapter
        feed = {name: adapter.asfeed(value[:1], name) for name, value in seeds.feed.items()}
        with add_shape_hints(adapter):
            shape = adapter.outputs(adapter.stack(seeds.x[:1], "seed_input"), Request(Target(layer, logits=False), feed)).shape
        filters = nonnegative_indices(indices, int(shape[1]) if len(shape) > 1 else 1)
        scale = 1 / len(filters) if indices is None else 1.0
    return (filters if layer is None else (layer, filters)), scale
