"""PAIR's constructors, ``Method(graph, session, y, x)``, which create masks for a graph and its session.

Each returns ``saliency``'s own mask of this name, with all of its options and methods, and PAIR's defaults.
"""

from typing import Any, TypeVar

from saliency.core.mask import SaliencyMask
from saliency.core.methods.grad_cam import GradCAM as GradCAMMask
from saliency.core.methods.guided_backprop import GuidedBackprop as GuidedBackpropMask
from saliency.core.methods.integrated_gradients import IntegratedGradients as IntegratedGradientsMask
from saliency.core.methods.occlusion import Occlusion as OcclusionMask
from saliency.core.methods.vanilla import Vanilla as VanillaMask
from saliency.tf.session.adapter import GraphAdapter

Mask = TypeVar("Mask", bound=SaliencyMask)


def Vanilla(graph: Any, session: Any, y: Any, x: Any, target: Any = None, **settings: Any) -> VanillaMask:
    """Explain a graph's output by its gradient.

    Args:
        graph, session, y, x: see ``GraphAdapter``.
        target: the part of ``y`` to explain, as the ``y`` of ``saliency.Vanilla``: a class, a list of classes, or None for
            each input's top class. It is ignored if ``y`` is one number for an input.
        **settings: ``channel_axis`` of ``GraphAdapter`` (inputs with two axes are rows and columns, as in PAIR, unless the
            first operations on ``x`` read channels); ``batch_size``, ``logits``, ``modifier`` and the method's options.

    Returns:
        ``saliency.Vanilla``, with ``GetMask(x_value, feed_dict)`` and ``GetSmoothedMask(x_value, feed_dict)``.

    Raises:
        InputError, TargetError, ModelError: as ``GraphAdapter`` and the method.
    """
    return _make_mask(VanillaMask, GraphAdapter(graph, session, y, x, **_adapter_options(settings)), target, settings)


def GuidedBackprop(
    graph: Any,
    session: Any,
    y: Any,
    x: Any,
    tmp_ckpt_path: Any = None,  # noqa: ARG001 - PAIR's argument; no checkpoint is written
    target: Any = None,
    **settings: Any,
) -> GuidedBackpropMask:
    """Explain a graph's output by guided backpropagation, in the same graph and session; see ``Vanilla``."""
    return _make_mask(GuidedBackpropMask, GraphAdapter(graph, session, y, x, **_adapter_options(settings)), target, settings)


def IntegratedGradients(
    graph: Any, session: Any, y: Any, x: Any, target: Any = None, **settings: Any
) -> IntegratedGradientsMask:
    """Explain a graph's output by integrated gradients, in PAIR's 25 steps, endpoints at full weight; see ``Vanilla``."""
    adapter = GraphAdapter(graph, session, y, x, **_adapter_options(settings))
    return _make_mask(IntegratedGradientsMask, adapter, target, {"x_steps": 25, "rule": "inclusive", **settings})


def Occlusion(graph: Any, session: Any, y: Any, x: Any, target: Any = None, **settings: Any) -> OcclusionMask:
    """Explain a graph's output by occlusion, with PAIR's windows of 15 x 15 zeros and stride 1; see ``Vanilla``."""
    adapter = GraphAdapter(graph, session, y, x, **_adapter_options(settings))
    return _make_mask(OcclusionMask, adapter, target, {"size": 15, "value": 0.0, **settings})


def GradCAM(
    graph: Any, session: Any, y: Any, x: Any, conv_layer: Any = None, target: Any = None, **settings: Any
) -> GradCAMMask:
    """Explain a graph's output by Grad-CAM, resized to the input and repeated for its channels as in PAIR; see ``Vanilla``.

    ``conv_layer`` is a tensor, an operation or a name; None finds the last layer with the input's spatial axes.
    """
    adapter = GraphAdapter(graph, session, y, x, conv_layer, **_adapter_options(settings))
    return _make_mask(GradCAMMask, adapter, target, {"should_resize": True, "three_dims": True, **settings})


GradientSaliency = Vanilla
GuidedBackpropSaliency = GuidedBackprop
GradCam = GradCAM


def _adapter_options(settings: dict[str, Any]) -> dict[str, Any]:
    """Remove the adapter's options from the settings, and return them."""
    return {"channel_axis": settings.pop("channel_axis")} if "channel_axis" in settings else {}


def _make_mask(method: type[Mask], adapter: GraphAdapter, target: Any, settings: dict[str, Any]) -> Mask:
    adapter.confirms_assumed_axes = True  # PAIR reads an input with two axes as rows and columns
    one_number = adapter.y.shape.rank in (0, 1)  # for each input: the top class is known without a forward pass
    return method(adapter, 0 if target is None and one_number else target, **settings)
