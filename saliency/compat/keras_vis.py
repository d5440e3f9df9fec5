"""keras-vis's saliency and class activation maps, for current Keras versions and for Torch.

Replace ``from vis.visualization import visualize_saliency`` by
``from saliency.compat.vis.visualization import visualize_saliency``. The functions keep keras-vis's names and arguments.
"""

from collections.abc import Sequence
from typing import Any

from saliency.compat.vis.backprop_modifiers import apply_backprop_modifier
from saliency.compat.vis.class_activation_map import class_activation_map
from saliency.compat.vis.loss_gradients import LossGradients, NumpyArray, check_losses
from saliency.compat.vis.losses import ActivationMaximization, Loss
from saliency.compat.vis.network import Network, model_between
from saliency.compat.vis.penultimate_layer import find_penultimate_layer
from saliency.compat.vis.saliency_map import saliency_map
from saliency.compat.vis.utils.utils import apply_modifications, find_layer_idx, get_num_filters, normalize, overlay
from saliency.core.validation import boolean

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
) -> NumpyArray:
    """Compute the gradient of filters' activations with respect to the input.

    Args:
        model: a Keras model, a Torch module, or an adapter.
        layer_idx: index into a Keras model's ``layers``, a layer's name, or the layer itself. None means the model's output;
            so does -1 for a model that is not a Keras model.
        filter_indices: one index, or several, whose activations are summed. None means the mean over all filters.
        seed_input: N inputs (N, *input). The batch axis may be omitted if the model declares its input's shape. A model with
            several inputs needs a list or a mapping of them; the first input is explained.
        wrt_tensor: a layer, its name, or a Keras tensor, with respect to which gradients are computed. None means the input.
        backprop_modifier: ``guided``; ``rectified`` or its synonyms ``relu`` and ``deconv``; a callable that maps a model to
            a model; a ReLU rule, which is a callable that maps the gradient at a ReLU and the ReLU's output to the gradient
            to propagate; or None.
        grad_modifier: ``negate``, ``absolute``, ``invert``, ``relu``, ``small_values``, a callable on NumPy arrays (1, ...),
            or None, which keeps the gradients unchanged.
        keepdims: keep the channels instead of taking their maximum.
        normalize: scale each map to [0, 1]. Otherwise return the gradients, in score units per input unit.
        exact: reproduce keras-vis in all cases: explain a final softmax's output rather than its logits, ignore
            ``backprop_modifier`` on a model without ReLUs, and for N inputs return only the first map, computed from the
            gradient of the batch mean and scaled jointly with the others.

    Returns:
        The map, (*space), or with ``keepdims`` the shape of the input or of ``wrt_tensor``. For N > 1 inputs (N, ...), each
        map scaled separately.

    Raises:
        InputError, TargetError, ModelError, GradientError: see ``saliency.core.errors``.
    """
    network = Network(*apply_backprop_modifier(model, backprop_modifier), source=model)
    losses = [(ActivationMaximization(layer_idx, filter_indices), -1)]
    gradients = LossGradients.of(network, losses, seed_input, wrt_tensor, not boolean("exact", exact), exact)
    return saliency_map(gradients, grad_modifier, keepdims, normalize)


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
) -> NumpyArray:
    """Compute the signed gradient of a weighted sum of losses.

    Use a weight of -1 with ``ActivationMaximization`` to see what increases an activation.

    Args:
        input_tensor: the model, or ``model.input`` as in keras-vis. Prefer the model: its graph is then built only once.
        losses: pairs (loss, weight). A loss uses its layer's output unchanged, also if that is a softmax.
        seed_input, wrt_tensor, grad_modifier, keepdims, normalize, exact: as for ``visualize_saliency``.

    Returns, raises:
        As ``visualize_saliency``.
    """
    network = Network(model_between(input_tensor, [loss.layer for loss, _ in check_losses(losses)]))
    gradients = LossGradients.of(network, losses, seed_input, wrt_tensor, False, exact)
    return saliency_map(gradients, grad_modifier, keepdims, normalize)


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
) -> NumpyArray:
    """Compute the Grad-CAM map of filters' activations, with ReLU gradients modified by ``backprop_modifier``.

    Args:
        model, layer_idx, filter_indices, seed_input, backprop_modifier, grad_modifier: as for ``visualize_saliency``.
        penultimate_layer_idx: the layer of the map, given like ``layer_idx``. None selects the nearest convolution or
            pooling layer before ``layer_idx``.
        normalize: scale each map to [0, 1]. Otherwise return the raw map, in score units per position.
        exact: as for ``visualize_saliency``. In addition, divide gradients by their signed maximum, which flips their signs
            if all are negative, and skip the layer directly before ``layer_idx`` when searching for the map's layer.

    Returns:
        The map, (*space), resized to the input's size by cubic splines; (N, *space) for N > 1 inputs.

    Raises:
        As ``visualize_saliency``.
    """
    network = Network(*apply_backprop_modifier(model, backprop_modifier), source=model)
    losses = [(ActivationMaximization(layer_idx, filter_indices), -1)]
    gradients = LossGradients.of(network, losses, seed_input, None, not boolean("exact", exact), exact)
    layer = find_penultimate_layer(network, layer_idx, penultimate_layer_idx, exact)
    return class_activation_map(gradients, layer, grad_modifier, normalize)


def visualize_cam_with_losses(
    input_tensor: Any,
    losses: Sequence[tuple[Any, float]],
    seed_input: Any,
    penultimate_layer: Any,
    grad_modifier: Any = None,
    *,
    normalize: bool = True,
    exact: bool = False,
) -> NumpyArray:
    """Compute the Grad-CAM map of a weighted sum of losses.

    Args:
        input_tensor, losses, seed_input, grad_modifier: as for ``visualize_saliency_with_losses``.
        penultimate_layer: the layer of the map: the layer itself or its name.
        normalize, exact: as for ``visualize_cam``.

    Returns, raises:
        As ``visualize_cam``.
    """
    layers = [*(loss.layer for loss, _ in check_losses(losses)), penultimate_layer]
    network = Network(model_between(input_tensor, layers))
    gradients = LossGradients.of(network, losses, seed_input, None, False, exact)
    layer = network.layer(penultimate_layer, "penultimate_layer")
    return class_activation_map(gradients, layer, grad_modifier, normalize)
