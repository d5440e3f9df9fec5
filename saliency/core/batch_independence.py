"""Notice a model whose samples influence each other in a batch, so that it is evaluated one sample at a time."""

from collections.abc import Hashable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.companion_check import Evaluation, samples_interact
from saliency.core.errors import BatchWarning, InputError, ModelError, NoReLUError, TargetError, one_line
from saliency.core.types import Array
from saliency.core.warnings import warn


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
    different companion, instead of its neighbors in the batch. Its score and gradient must not change. Scores of 0, such as
    those of ``Difference(3, 3)`` or of a channel that is never active, show nothing: the last other one is compared, if any.

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
        by_target = isinstance(error, TargetError) and request.target.function is not None
        if by_target or isinstance(error, NoReLUError) or not _works_alone(call, x, request):
            raise
        known[key] = False
        warn(
            f"the model fails for {x.shape[0]} inputs of shape {shape} at a time ({one_line(error)}), but not for one: inputs "
            "of this shape are evaluated one at a time from now on, as with batch_size=1",
            BatchWarning,
        )
        raise InteractingSamples from error
    n, times = _scored_inputs(adapter, results[0], x.shape[0]), max(1, request.target.per_input(x.shape[0]))
    if n == 0:
        return results
    x, request = x[:n], request.take(slice(0, n * times, times))
    known[key] = not samples_interact(call, adapter, x, request, tuple(array[: n * times] for array in results))
    if known[key]:
        return results
    warn(
        f"the samples of a batch influence each other: the score or gradient of an input of shape {shape} changes with the "
        "other inputs of its batch (or the model draws random numbers). Inputs of this shape are evaluated one at a time "
        "from now on, as with batch_size=1",
        BatchWarning,
    )
    raise InteractingSamples


def _scored_inputs(adapter: GradientAdapter, scores: Array, inputs: int) -> int:
    """Return how many inputs there are up to the last one with a score other than 0; such a score shows no influence."""
    is_scored = (adapter.numpy(scores).reshape(inputs, -1) != 0).any(axis=1)
    return int(np.flatnonzero(is_scored)[-1]) + 1 if is_scored.any() else 0


def _works_alone(call: Evaluation, x: Array, request: Request) -> bool:
    times = max(1, request.target.per_input(x.shape[0]))
    try:
        call(x[:1], request.take(slice(0, times, times)))
    except Exception:  # the caller raises the error of the batch
        return False
    return True


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
