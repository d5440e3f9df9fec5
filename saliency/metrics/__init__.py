"""Metrics of saliency maps: which map can be trusted, on the user's own model and images."""

from saliency.metrics.curve import Curve
from saliency.metrics.evaluation import Evaluation
from saliency.metrics.insertion_deletion import deletion, insertion
from saliency.metrics.result import MetricResult

__all__ = ["Curve", "Evaluation", "MetricResult", "deletion", "insertion"]
