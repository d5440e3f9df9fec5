"""Differentiate scores with respect to a leaf of the graph."""

import torch
from torch.autograd.graph import Node

from saliency.core.errors import GradientError, ModelError, TargetError
from saliency.torch.batch_norm_gradient import correct_batch_norm_gradients
from saliency.torch.out_of_memory import is_out_of_memory
from saliency.torch.strided_convolution_gradient import find_strided_convolution, gradient_through_convolution


def check_finite(scores: torch.Tensor) -> None:
    """Check that scores are a finite Torch tensor.

    Raises:
        GradientError: if a score is NaN or infinite.
        TargetError: if a callable target returned something other than a tensor.
    """
    _check_tensor(scores)
    total = scores.detach().sum()
    if not bool(torch.isfinite(total)):
        raise GradientError(f"the score is {total.item()}; it must be finite. Check the input and the model's outputs")


def check_has_graph(scores: torch.Tensor, leaf_description: str) -> None:
    """Check that scores are a Torch tensor with an autograd graph.

    Raises:
        GradientError: if the scores have no graph.
        TargetError: if a callable target returned something other than a tensor.
    """
    _check_tensor(scores)
    if not scores.requires_grad:
        raise GradientError(
            f"the score does not depend on {leaf_description}: it was detached, or is a constant. Remove detach(), argmax, "
            "rounding or NumPy from the model and the target, or use Occlusion, which needs no gradient"
        )


def _check_tensor(scores: torch.Tensor) -> None:
    if not isinstance(scores, torch.Tensor):
        raise TargetError(
            f"`y` must return a torch.Tensor, because other types have no gradient; it returned a {type(scores).__name__}. "
            "Compute the score with Torch operations"
        )


def differentiate(
    scores: torch.Tensor, leaf: torch.Tensor, leaf_name: str, retain_graph: bool = False, sample_axis: int = 0
) -> torch.Tensor:
    """Differentiate each score with respect to its own sample of a leaf.

    Several targets of one input share the forward pass and take one backward pass each. A batched backward pass was measured
    to be no faster (0.55 against 0.53 of repeating the input on a small network, 0.63 against 0.61 on SqueezeNet).

    Args:
        scores: (N * T,), T scores of the leaf's first sample, then T of the next.
        leaf: (N, ...).
        leaf_name: the leaf's name in error messages.
        retain_graph: keep the graph, to differentiate with respect to another leaf.
        sample_axis: the axis of the leaf's N samples.

    Returns:
        (N * T, ...), with the samples on the same axis.

    Raises:
        GradientError: if a score does not depend on the leaf.
        ModelError: if Torch cannot differentiate the model.
    """
    n = leaf.shape[sample_axis]  # the scores of samples are added, because samples do not interact
    targets = [scores.sum()] if len(scores) == n else [*scores.reshape(n, -1).sum(dim=0)]
    try:
        if leaf.device.type == "cpu":
            correct_batch_norm_gradients(scores)
        node = find_strided_convolution(scores, leaf)
        gradients = [_gradient(target, leaf, retain_graph or i + 1 < len(targets), node) for i, target in enumerate(targets)]
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(f"Torch cannot differentiate this model: {str(error).splitlines()[0]}") from error
    existing = [gradient for gradient in gradients if gradient is not None]
    if len(existing) < len(gradients):
        raise GradientError(
            f"the score does not depend on {leaf_name}: no path leads from one to the other. Choose another target or layer"
        )
    if len(existing) == 1:
        return existing[0]
    return torch.stack(existing, dim=sample_axis + 1).flatten(sample_axis, sample_axis + 1)


def _gradient(score: torch.Tensor, leaf: torch.Tensor, retain_graph: bool, node: Node | None) -> torch.Tensor | None:
    if node is not None:
        return gradient_through_convolution(node, score, leaf, retain_graph)
    gradient: torch.Tensor | None = torch.autograd.grad(score, leaf, retain_graph=retain_graph, allow_unused=True)[0]
    return gradient
