"""Metrics of saliency maps: which map can be trusted, on the user's own model and images."""

from saliency.metrics.agreement import agreement
from saliency.metrics.compare import compare
from saliency.metrics.comparison import Comparison
from saliency.metrics.completeness import completeness
from saliency.metrics.concentration import complexity, sparseness
from saliency.metrics.curve import Curve
from saliency.metrics.evaluation import Evaluation
from saliency.metrics.fidelity import mu_fidelity, sensitivity_n
from saliency.metrics.infidelity import infidelity
from saliency.metrics.insertion_deletion import deletion, insertion
from saliency.metrics.localization import mass_accuracy, pointing_game, rank_accuracy
from saliency.metrics.pic import pic
from saliency.metrics.result import MetricResult
from saliency.metrics.road import road
from saliency.metrics.sanity_checks import random_logit, randomization
from saliency.metrics.sensitivity import max_sensitivity, stability

__all__ = [
    "Comparison",
    "Curve",
    "Evaluation",
    "MetricResult",
    "agreement",
    "compare",
    "completeness",
    "complexity",
    "deletion",
    "infidelity",
    "insertion",
    "mass_accuracy",
    "max_sensitivity",
    "mu_fidelity",
    "pic",
    "pointing_game",
    "random_logit",
    "randomization",
    "rank_accuracy",
    "road",
    "sensitivity_n",
    "sparseness",
    "stability",
]
