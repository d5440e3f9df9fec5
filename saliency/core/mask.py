"""The abstract mask: what every method shares with the others."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from saliency.core.adapter import Array
from saliency.core.errors import InputError
from saliency.core.numbers import whole
from saliency.core.run import Host, Inputs, Progress, in_batches, named, plain
from saliency.core.score import Score
from saliency.core.smooth import Noise, smoothed
from saliency.core.wrap import wrap


class SaliencyMask(ABC):
    """A method that tells which parts of an input a network's score depends on.

    Args:
        model: an adapter, or anything that ``saliency.wrap`` takes.
        y: what is explained: an int (class), a list of ints (their sum), (layer, channel), (layer, channel, row, column),
            a callable from the model's output to one number per sample, or None (each sample's top class). A layer is a
            name or the layer itself; a channel with spatial axes counts by its mean over them; indices start at 0.
        batch_size: samples in one pass through the model; None chooses by the size of an input.
        logits: where the model ends in a softmax or sigmoid and ``y`` is a class, explain the number in front of it.
        **options: defaults for the options that ``GetMask`` passes on to the method.

    Raises:
        InputError: if the model or an option is not of these.
    """

    def __init__(
        self, model: Any, y: Any = None, *, batch_size: int | None = None, logits: bool = True, **options: Any
    ) -> None:
        self.adapter = wrap(model)
        self.y = y
        self.batch_size = None if batch_size is None else whole("batch_size", batch_size, least=1)
        self.logits = logits
        self.options = options
        self._method({})

    @abstractmethod
    def masks(self, score: Score, x: Array, *args: Any, **options: Any) -> Array:
        """Compute N masks.

        Args:
            score: what is explained, as a function of N inputs.
            x: (N, *input), in the model's own units, on its device.
            **options: the method's own, by name.

        Returns:
            (N, *mask) on the same device, a new array.
        """

    def GetMask(self, x_value: Any, feed_dict: Mapping[str, Any] | None = None, **options: Any) -> Host:
        """Compute the mask of one input.

        Args:
            x_value: one input of the model without its batch axis, (C, H, W) for a Torch image network.
            feed_dict: the model's other inputs by name, arrays without their batch axis and plain values.
            **options: the method's own.

        Returns:
            The mask: of the input's shape, unless the method says otherwise.

        Raises:
            InputError, TargetError, ModelError, GradientError: see ``saliency.core.errors``.
        """
        x, feed = self._one(x_value, feed_dict)
        mask: Host = self._plain(Inputs.of(x, self.y, None, feed), options, progress=False)[0]
        return mask

    def GetSmoothedMask(
        self,
        x_value: Any,
        feed_dict: Mapping[str, Any] | None = None,
        stdev_spread: float = 0.15,
        nsamples: int = 25,
        magnitude: bool = True,
        seed: int | None = None,
        progress: bool = False,
        **options: Any,
    ) -> Host:
        """Compute the mask of one input, averaged over noisy copies of it (SmoothGrad).

        Args:
            x_value, feed_dict: as for ``GetMask``; the other inputs get no noise.
            stdev_spread: standard deviation of the noise, in units of the input's range (maximum - minimum).
            nsamples: number of copies.
            magnitude: average the squares of the masks, as PAIR's SmoothGrad does, instead of the masks.
            seed: a whole number makes the result repeatable; None does not.
            progress: show a bar.
            **options: the method's own.

        Returns:
            The averaged mask, of ``GetMask``'s shape, in its units or their square.

        Raises:
            As ``GetMask``.

        Source:
            Smilkov et al., SmoothGrad: removing noise by adding noise, arXiv:1706.03825.
        """
        x, feed = self._one(x_value, feed_dict)
        noise = Noise.of(stdev_spread, nsamples, seed)
        mask: Host = self._smooth(Inputs.of(x, self.y, None, feed), options, noise, magnitude, progress)[0]
        return mask

    def GetMasks(
        self,
        x_values: Any,
        y: Any = None,
        feed_dict: Mapping[str, Any] | None = None,
        progress: bool = False,
        **options: Any,
    ) -> Host:
        """Compute the masks of N inputs at once: the same numbers as one at a time.

        Args:
            x_values: array (N, *input), or a list of N inputs.
            y: one target for all, or a list of N targets, one an input (a list in it is a sum); None is the mask's own.
            feed_dict: the model's other inputs by name, arrays (N, ...) and plain values.
            progress: show a bar.
            **options: the method's own.

        Returns:
            (N, *mask).

        Raises:
            As ``GetMask``.
        """
        return self._plain(Inputs.of(x_values, self.y, y, feed_dict), options, progress)

    def GetSmoothedMasks(
        self,
        x_values: Any,
        y: Any = None,
        feed_dict: Mapping[str, Any] | None = None,
        stdev_spread: float = 0.15,
        nsamples: int = 25,
        magnitude: bool = True,
        seed: int | None = None,
        progress: bool = False,
        **options: Any,
    ) -> Host:
        """Compute the smoothed masks of N inputs at once: ``GetMasks``'s inputs, ``GetSmoothedMask``'s options.

        Every input gets the same noise, that of ``seed``, so each mask equals the one computed alone. Returns (N, *mask).
        """
        noise = Noise.of(stdev_spread, nsamples, seed)
        return self._smooth(Inputs.of(x_values, self.y, y, feed_dict), options, noise, magnitude, progress)

    def _one(self, x_value: Any, feed_dict: Mapping[str, Any] | None) -> tuple[list[Any], dict[str, Any]]:
        """Return one input, and the other inputs, as one of each."""
        feed = {name: self.adapter.asfeed(value, name) for name, value in named(feed_dict).items()}
        feed = {name: value[None] if getattr(value, "shape", ()) else value for name, value in feed.items()}
        return [x_value], feed

    def _plain(self, inputs: Inputs, options: Mapping[str, Any], progress: bool) -> Host:
        return self._run(partial(plain, self._method(options)), inputs, int(progress))

    def _smooth(self, inputs: Inputs, options: Mapping[str, Any], noise: Noise, magnitude: bool, progress: bool) -> Host:
        return self._run(partial(smoothed, self._method(options), noise, magnitude), inputs, noise.samples * progress)

    def _run(self, compute: Callable[[Score, Array, Progress], Array], inputs: Inputs, ticks: int) -> Host:
        return in_batches(compute, self.adapter, inputs, self.batch_size, self.logits, ticks)

    def _method(self, options: Mapping[str, Any]) -> Callable[[Score, Array], Array]:
        """Return ``masks`` with its options in place: those of this call, then the constructor's."""
        known = list(inspect.signature(self.masks).parameters)[2:]
        for name in (*self.options, *options):
            if name not in known:
                place = " here; the constructor takes it" if name in ("y", "batch_size", "logits") else ""
                raise InputError(f"`{name}` is not an option of {type(self).__name__}{place}; its options: {known or 'none'}")
        return partial(self.masks, **{**self.options, **options})
