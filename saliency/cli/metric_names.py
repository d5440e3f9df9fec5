"""The metrics of ``-metric``, and their options."""

import argparse
import difflib
import functools
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from saliency.cli.options import CommandError, OptionParser, name_value

if TYPE_CHECKING:
    from saliency.metrics.registry import Metric

METRICS = ("insertion", "deletion", "road", "mu_fidelity", "sensitivity_n", "pointing_game", "mass_accuracy", "rank_accuracy",
           "sparseness", "complexity")  # fmt: skip
"""The names in ``saliency.metrics.registry``, which this module does not import: a command's help must not load pandas."""

MetricSetting = tuple[str, str, Any]


def metric_name(word: str) -> str:
    """Return the name of a metric.

    Raises:
        argparse.ArgumentTypeError: if there is none; the message says which name is nearest.
    """
    if word in METRICS:
        return word
    nearest = difflib.get_close_matches(word.lower().replace("-", "_"), METRICS, n=1, cutoff=0.5)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    raise argparse.ArgumentTypeError(f"invalid metric {word!r}: choose from {', '.join(METRICS)}{hint}")


def metric_setting(word: str) -> MetricSetting:
    """Parse ``metric.name=value``.

    Raises:
        argparse.ArgumentTypeError: if there is no name, or no such metric.
    """
    front, equals, value = word.partition("=")
    metric, dot, name = front.partition(".")
    if not dot:
        raise argparse.ArgumentTypeError(f"invalid value {word!r}: must be METRIC.NAME=VALUE, such as insertion.steps=20")
    return (metric_name(metric), *name_value(f"{name}{equals}{value}"))


def add_metric_options(parser: OptionParser, **settings: Any) -> None:
    """Add ``-metric``, with the given settings of argparse, and ``-metric-set``."""
    parser.add_option("metric", type=metric_name, nargs="+", metavar="Metric", **settings)
    parser.add_option(
        "metric-set",
        type=metric_setting,
        nargs="+",
        default=[],
        metavar="METRIC.NAME=VALUE",
        help="options of the metrics, such as insertion.steps=20",
    )


def chosen_metrics(names: Sequence[str], settings: Sequence[MetricSetting]) -> "list[Metric]":
    """Return metrics with their options.

    Raises:
        CommandError: if a setting is for a metric that is not among the names, or is not one of its options.
    """
    from saliency.metrics import registry

    options: dict[str, dict[str, Any]] = {name: {} for name in names}
    for metric, name, value in settings:
        if metric not in options:
            raise CommandError(f"-metric-set {metric}.{name}=... is for a metric that is not in -metric ({' '.join(names)})")
        known = _option_names(registry.METRICS[metric])
        if name not in known:
            raise CommandError(f"-metric-set {metric}.{name}=... is not an option; its options: {', '.join(known) or 'none'}")
        options[metric][name] = value
    return [registry.find_metric(functools.partial(registry.METRICS[name].function, **options[name])) for name in names]


def _option_names(metric: "Metric") -> list[str]:
    parameters = inspect.signature(metric.function).parameters.values()
    names = [one.name for one in parameters if one.kind == one.KEYWORD_ONLY and one.name != "seed"]
    return [*names, *(("probability", "logits", "batch_size") if metric.needs == "model" else ())]
