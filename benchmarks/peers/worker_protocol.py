"""The worker's side of the protocol between processes. It is imported without this repository on the path."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import saliency.core as pair


def _quantile(values: Any, fraction: Any, *, interpolation: str = "linear", **options: Any) -> Any:
    return _QUANTILE(values, fraction, method=interpolation, **options)


_QUANTILE = np.quantile
np.quantile, np.trapz = _quantile, np.trapezoid  # what PAIR 0.2.1 calls, as it was before NumPy 2.4


def serve_requests(variants: Mapping[str, Callable[[], Any]]) -> None:
    """Run the variant named by each line of standard input; reply in JSON with its processor time or its error."""
    replies, sys.stdout = sys.stdout, sys.stderr  # other output must not be read as a reply
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        try:
            result = variants[line.strip()]()
            reply = {"description": result if isinstance(result, str) else "", "processor": time.process_time()}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)


class IntegrateToGap:
    """Run PAIR's Integrated Gradients with the smallest number of steps, doubled from 25, for a completeness gap of 1 %.

    Args:
        x: one input.
        call: PAIR's ``call_model_function``.
        options: its ``call_model_args``.
        change: change of the score from the baseline to the input.
        max_steps: maximum number of steps.
    """

    def __init__(self, x: np.ndarray[Any, Any], call: Any, options: Any, change: float, max_steps: int) -> None:
        self.x, self.call, self.options, self.change, self.max_steps = x, call, options, change, max_steps
        self.steps, self.gap = 0, float("inf")

    def __call__(self) -> str:
        """Integrate; on the first call, find the number of steps."""
        if self.steps:
            self._gap(self.steps)
        while not self.steps or (self.gap > 0.01 and 2 * self.steps <= self.max_steps):
            self.steps = 2 * self.steps or 25
            self.gap = self._gap(self.steps)
        return f"{self.steps} steps" + (f", gap still {self.gap:.1%}" if self.gap > 0.01 else "")

    def _gap(self, steps: int) -> float:
        mask = pair.IntegratedGradients().GetMask(
            self.x, self.call, self.options, x_baseline=np.zeros_like(self.x), x_steps=steps, batch_size=20
        )
        return abs(float(mask.sum()) / self.change - 1)
