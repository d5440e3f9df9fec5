"""Notice a model whose samples influence each other in a batch, so that it is evaluated one sample at a time."""

from collections.abc import Callable, Hashable, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.errors import BatchWarning, InputError, ModelError, NoReLUError, TargetError, one_line
from saliency.core.types import Array
from saliency.core.validation import has_batch_axis
from saliency.core.warnings import warn

Evaluation: TypeAlias = Callable[[Array, Request], tuple[Array, ...]]
"""Evaluates inputs (n, *input): scores (n * T, ...) first, and possibly gradients (n * T, *input) last."""

COMPANION_RANGE = 100.0
"""Range of the companion, in units of the range of the input that it is evaluated with.

Whatever samples share (a minimum, a scale of integers, a mean, attention) then differs by far more than rounding.
"""

SCORE_TOLERANCE = 1e-3
"""Largest change of a score, as a fraction of the score. A companion of the input's own range has a smaller influence."""

ROUNDING_FACTOR = 32
"""Multiple of the model's rounding error that a score may change by, if this is more than ``SCORE_TOLERANCE``.

A batch of another size may be computed by another algorithm. In single precision, scores then differ by 1e-6 to 1e-4, with
TF32 by 1e-3, and in bfloat16 by 1e-2.
"""

GRADIENT_FACTOR = 30
"""The same for the gradient, as a multiple of the score's tolerance: a ReLU whose input is near zero may switch."""


class InteractingSamples(Exception):  # noqa: N818 - control flow, never seen by a user
    """The samples of a batch influence each other; the runner starts the batch again with one sample at a time."""


@dataclass
class _Verdicts:
    """Whether samples are independent, by the kind of request; for targets that are functions, as long as these live."""

    known: dict[Hashable, bool] = field(default_factory=dict)
    by_function: "WeakKeyDictionary[Any, dict[Hashable, bool]]" = field(default_factory=WeakKeyDictionary)


_verdicts: "WeakKeyDictionary[Any, dict[Hashable, _Verdicts]]" = WeakKeyDictionary()
"""Model -> options of its adapter -> the verdicts."""


def evaluate_checked(
    call: Evaluation, adapter: GradientAdapter, x: Array, request: Request, verdicts: MutableMapping[Hashable, bool]
) -> tuple[Array, ...]:
    """Evaluate inputs in one pass. The first pass of several inputs is compared with another pass.

    The comparison is made once for each model, input shape and kind of target: the last input is evaluated beside a very
    different companion, instead of its neighbors in the batch. Its score and gradient must not change.

    Args:
        call: evaluates inputs for a request.
        adapter: the model's adapter.
        x: (n, *input).
        request: the request for these inputs.
        verdicts: the verdicts of this run, for models and functions that support no weak references.

    Raises:
        InteractingSamples: if they change, or if the model can only evaluate one input at a time.
    """
    if x.shape[0] == 1 or adapter.independent_samples:
        return call(x, request)
    key, known = _kind(x, request), _known(adapter, request, verdicts)
    if key not in known:
        return _first_evaluation(call, adapter, x, request, key, known)
    if not known[key]:
        raise InteractingSamples
    return call(x, request)


def _first_evaluation(
    call: Evaluation,
    adapter: GradientAdapter,
    x: Array,
    request: Request,
    key: Hashable,
    known: MutableMapping[Hashable, bool],
) -> tuple[Array, ...]:
    shape = tuple(x.shape[1:])
    try:
        results = call(x, request)
    except (InputError, ModelError, TargetError) as error:
        if isinstance(error, NoReLUError) or not _works_alone(call, x, request):
            raise
        known[key] = False
        warn(
            f"the model fails for {x.shape[0]} inputs of shape {shape} at a time ({one_line(error)}), but not for one: inputs "
            "of this shape are evaluated one at a time from now on, as with batch_size=1",
            BatchWarning,
        )
        raise InteractingSamples from error
    known[key] = not _interact(call, adapter, x, request, results)
    if known[key]:
        return results
    warn(
        f"the samples of a batch influence each other: the score or gradient of an input of shape {shape} changes with the "
        "other inputs of its batch (or the model draws random numbers). Inputs of this shape are evaluated one at a time "
        "from now on, as with batch_size=1",
        BatchWarning,
    )
    raise InteractingSamples


def _works_alone(call: Evaluation, x: Array, request: Request) -> bool:
    times = max(1, request.target.per_input(x.shape[0]))
    try:
        call(x[:1], request.take(slice(0, times, times)))
    except Exception:  # the caller raises the error of the batch
        return False
    return True


def _interact(call: Evaluation, adapter: GradientAdapter, x: Array, request: Request, results: tuple[Array, ...]) -> bool:
    """Return whether the last input's score or gradient differs with another companion.

    The number of inputs also differs from that of ``x``, because a score may depend on this number. With two inputs, the last
    one is evaluated alone: ``batch_size`` may not allow three.
    """
    rows = int(x.shape[0])
    one, times = x[rows - 1 :], results[0].shape[0] // rows
    spread, mirrored = input_spread(adapter.xp, one)
    companions = (one + COMPANION_RANGE * spread, mirrored) if rows > 2 else (None,)
    for companion in companions:
        inputs = one if companion is None else adapter.xp.concatenate([one, companion])
        try:
            with np.errstate(all="ignore"):
                probe = call(inputs, _repeat_last(adapter, request, rows, times, int(inputs.shape[0])))
        except Exception:  # noqa: S112 - a model may refuse the companion, or this number of inputs
            continue
        return _differ(adapter, results, probe, spread, times, rows)
    return False


def input_spread(xp: Any, one: Array) -> tuple[Array, Array]:
    """Return an input (1, *input) minus a value in its range, or ones for a constant; and its reflection within its range."""
    axes = tuple(range(1, len(one.shape)))
    low, high = -xp.amax(-one, axis=axes, keepdims=True), xp.amax(one, axis=axes, keepdims=True)
    centered = one - (low + 0.37 * (high - low))  # not the middle of the range, which may be the mean
    return xp.where(high > low, centered, xp.ones_like(one)), low + high - one


def _repeat_last(adapter: GradientAdapter, request: Request, rows: int, times: int, copies: int) -> Request:
    """Return the request for copies of the last of ``rows`` inputs, which has ``times`` targets."""
    feed = {
        name: adapter.xp.concatenate([value[rows - 1 : rows]] * copies) if has_batch_axis(value) else value
        for name, value in request.feed.items()
    }
    target = request.target.take(slice((rows - 1) * times, rows * times)).repeat(copies)
    return replace(request, target=target, feed=feed)


def _differ(
    adapter: GradientAdapter, results: tuple[Array, ...], probe: tuple[Array, ...], spread: Array, times: int, rows: int
) -> bool:
    """Return whether the results of the last input differ from those of the probe's first input, with one transfer."""
    xp, last = adapter.xp, slice((rows - 1) * times, rows * times)
    numbers = [xp.reshape(scores, (scores.shape[0], -1)) for scores in (results[0], probe[0])]
    compares_gradients = len(results) > 1 and probe[0].shape[0] > times and tuple(results[-1].shape[1:]) == spread.shape[1:]
    gradients = results[-1][last], results[-1][last] - probe[-1][:times]
    if compares_gradients:  # in units of the score: the change of the score that the gradients predict for the spread
        for gradient in gradients:
            products = xp.reshape(gradient * spread, (times, -1))
            effect = xp.sum(xp.clip(products, 0.0, None) + xp.clip(-products, 0.0, None), axis=1)
            numbers.append(effect[:, None] * xp.ones_like(numbers[0][:1]))
    host = adapter.numpy(xp.concatenate(numbers)).astype(float)
    scores, probe_scores, effects = np.split(host, [rows * times, rows * times + probe[0].shape[0]])
    if not np.isfinite(scores[last]).all():
        return False  # the run reports it
    score_size = np.abs(scores[np.isfinite(scores).all(axis=1)]).max()
    if len(probe_scores) > times:  # the companion's scores
        growth = np.abs(probe_scores[times:] - scores[last]) / COMPANION_RANGE
        score_size = max(score_size, np.max(growth[np.isfinite(growth)], initial=0.0))
    tolerance = max(SCORE_TOLERANCE, ROUNDING_FACTOR * adapter.rounding_error)
    if not (np.abs(scores[last] - probe_scores[:times]) <= tolerance * score_size).all():  # also if the probe is NaN
        return True
    if not compares_gradients:
        return False
    effect, change = effects[:times], effects[times:]
    return bool((change > GRADIENT_FACTOR * tolerance * np.maximum(effect, score_size)).any())


def _kind(x: Array, request: Request) -> Hashable:
    """Return what the independence of samples may depend on, besides a target's function."""
    feed = ((str(name), tuple(getattr(value, "shape", ())[1:])) for name, value in request.feed.items())
    layers = (layer if isinstance(layer, str) else id(layer) for layer in request.target.layers)
    return tuple(x.shape[1:]), tuple(feed), tuple(layers)


def _known(
    adapter: GradientAdapter, request: Request, verdicts: MutableMapping[Hashable, bool]
) -> MutableMapping[Hashable, bool]:
    """Return the verdicts for a model and a target's function."""
    owner, options = adapter.cache_owner
    function = request.target.function
    try:
        of_model = _verdicts.setdefault(owner, {}).setdefault(options, _Verdicts())
        return of_model.known if function is None else of_model.by_function.setdefault(function, {})
    except TypeError:  # no weak references
        return verdicts
