"""keras-vis's saliency and class activation maps, on today's Keras and on Torch: its names, this library's masks behind them.

``from saliency.compat.vis.visualization import visualize_saliency`` takes the place of ``from vis.visualization import ...``.
"""

from collections.abc import Sequence
from typing import Any

from saliency.compat.vis.backprop_modifiers import modified
from saliency.compat.vis.cam import map_of
from saliency.compat.vis.gradient import gradient_of
from saliency.compat.vis.loss_gradients import Host, Question, checked
from saliency.compat.vis.losses import ActivationMaximization, Loss
from saliency.compat.vis.network import Network, between
from saliency.compat.vis.penultimate import penultimate
from saliency.compat.vis.utils.utils import apply_modifications, find_layer_idx, get_num_filters, normalize, overlay

__all__ = [
    "ActivationMaximization",
    "Loss",
    "apply_modifications",
    "find_layer_idx",
    "get_num_filters",
    "normalize",
    "overlay",
    "visualize_cam",
    "visualize_cam_with_losses",
    "visualize_saliency",
    "visualize_saliency_with_losses",
]


def visualize_saliency(
    model: Any,
    layer_idx: Any,
    filter_indices: Any,
    seed_input: Any,
    wrt_tensor: Any = None,
    backprop_modifier: Any = None,
    grad_modifier: Any = "absolute",
    keepdims: bool = False,
    *,
    normalize: bool = True,
    exact: bool = False,
) -> Host:
    """Show what of an input makes filters of a layer active: the gradient of their activation.

    Args:
        model: a Keras model, a Torch module, or an adapter.
        layer_idx: place in a Keras model's ``layers``, a layer's name, or the layer; None, and -1 elsewhere, is the output.
        filter_indices: one, or several whose activations are summed; None is the mean over all.
        seed_input: N inputs (N, *input); the batch axis may be left out where the model tells its input's shape. A model with
            several inputs takes a list or a mapping of them; the first is explained.
        wrt_tensor: a layer, its name or a Keras tensor whose value gradients are taken by; None for the input.
        backprop_modifier: ``guided``; ``rectified``, ``relu`` or ``deconv``, which are one; a callable from a model to a
            model; a rule, a callable from the gradient at a ReLU and what that gave to the gradient that passes; or None.
        grad_modifier: ``negate``, ``absolute``, ``invert``, ``relu``, ``small_values``, a callable of NumPy arrays (1, ...),
            or None, which leaves gradients as they are.
        keepdims: keep the channels, instead of their maximum.
        normalize: scale from 0 to 1; otherwise the gradients themselves, in score units per input unit.
        exact: do all as keras-vis does: a softmax at the end is not looked behind, a model without ReLUs takes any rule, and
            of N inputs the first comes back, of the mean's gradient, scaled with the others.

    Returns:
        (*space) or with channels, as the input or ``wrt_tensor`` has them; of N > 1 inputs (N, ...), each scaled by itself.

    Raises:
        InputError, TargetError, ModelError, GradientError: see ``saliency.core.errors``.
    """
    network = Network(*modified(model, backprop_modifier), source=model)
    losses = [(ActivationMaximization(layer_idx, filter_indices), -1)]
    question = Question.of(network, losses, seed_input, wrt_tensor, not exact, exact)
    return gradient_of(question, grad_modifier, keepdims, normalize)


def visualize_saliency_with_losses(
    input_tensor: Any,
    losses: Sequence[tuple[Any, float]],
    seed_input: Any,
    wrt_tensor: Any = None,
    grad_modifier: Any = "absolute",
    keepdims: bool = False,
    *,
    normalize: bool = True,
    exact: bool = False,
) -> Host:
    """Show the gradient of a weighted sum of losses, with its sign: an activation's weight is -1 for what makes it active.

    Args:
        input_tensor: ``model.input``, or better the model, whose graph is then built only once.
        losses: pairs of a loss and its weight; what a layer gives is taken as it is, a softmax as well.
        seed_input, wrt_tensor, grad_modifier, keepdims, normalize, exact: as for ``visualize_saliency``.

    Returns, raises:
        As ``visualize_saliency``.
    """
    network = Network(between(input_tensor, [loss.layer for loss, _ in checked(losses)]))
    return gradient_of(Question.of(network, losses, seed_input, wrt_tensor, False, exact), grad_modifier, keepdims, normalize)


def visualize_cam(
    model: Any,
    layer_idx: Any,
    filter_indices: Any,
    seed_input: Any,
    penultimate_layer_idx: Any = None,
    backprop_modifier: Any = None,
    grad_modifier: Any = None,
    *,
    normalize: bool = True,
    exact: bool = False,
) -> Host:
    """Show where an input makes filters of a layer active: Grad-CAM, whose gradients pass ReLUs by ``backprop_modifier``.

    Args:
        model, layer_idx, filter_indices, seed_input, backprop_modifier, grad_modifier: as for ``visualize_saliency``.
        penultimate_layer_idx: the map's layer, as ``layer_idx``; None finds the nearest convolution or pooling in front.
        normalize: scale from 0 to 1; otherwise the raw map, in score units per position.
        exact: as there; also gradients are divided by their signed maximum, which turns them where all are negative, and the
            layer right in front of ``layer_idx`` is not found.

    Returns:
        (*space), resized to the input's by cubic splines; of N > 1 inputs (N, *space).

    Raises:
        As ``visualize_saliency``.
    """
    network = Network(*modified(model, backprop_modifier), source=model)
    losses = [(ActivationMaximization(layer_idx, filter_indices), -1)]
    question = Question.of(network, losses, seed_input, None, not exact, exact)
    return map_of(question, penultimate(network, layer_idx, penultimate_layer_idx, exact), grad_modifier, normalize)


def visualize_cam_with_losses(
    input_tensor: Any,
    losses: Sequence[tuple[Any, float]],
    seed_input: Any,
    penultimate_layer: Any,
    grad_modifier: Any = None,
    *,
    normalize: bool = True,
    exact: bool = False,
) -> Host:
    """Show where a weighted sum of losses comes from; arguments as those of ``visualize_saliency_with_losses`` and its map."""
    network = Network(between(input_tensor, [*(loss.layer for loss, _ in checked(losses)), penultimate_layer]))
    question = Question.of(network, losses, seed_input, None, False, exact)
    return map_of(question, network.layer(penultimate_layer, "penultimate_layer"), grad_modifier, normalize)
