"""The worker's side of the conversation. It stands beside the workers' files, and imports nothing of ours."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import saliency.core as pair


def answer(known: Mapping[str, Callable[[], Any]]) -> None:
    """Run what each line of the input names until it ends, and answer with the processor's seconds or the error."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever else is printed must not be taken for an answer
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        try:
            found = known[line.strip()]()
            said = {"words": found if isinstance(found, str) else "", "processor": time.process_time()}
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), file=answers, flush=True)


class ToGap:
    """PAIR's Integrated Gradients with the smallest number of steps, doubled from 25, that is complete to 1 %.

    Args:
        x: one input.
        call: answers PAIR's call.
        options: for it.
        change: of the score from the baseline to the input.
        most: steps that are tried.
    """

    def __init__(self, x: np.ndarray[Any, Any], call: Any, options: Any, change: float, most: int) -> None:
        self.x, self.call, self.options, self.change, self.most = x, call, options, change, most
        self.steps, self.gap = 0, float("inf")

    def __call__(self) -> str:
        """Integrate; the first time, find the number of steps."""
        if self.steps:
            self._gap(self.steps)
        while not self.steps or (self.gap > 0.01 and 2 * self.steps <= self.most):
            self.steps = 2 * self.steps or 25
            self.gap = self._gap(self.steps)
        return f"{self.steps} steps" + (f", gap still {self.gap:.1%}" if self.gap > 0.01 else "")

    def _gap(self, steps: int) -> float:
        mask = pair.IntegratedGradients().GetMask(
            self.x, self.call, self.options, x_baseline=np.zeros_like(self.x), x_steps=steps, batch_size=20
        )
        return abs(float(mask.sum()) / self.change - 1)
