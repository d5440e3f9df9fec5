"""PAIR's constructors, ``Method(graph, session, y, x)``: each puts a core mask on a graph and its session.

What they return is ``saliency``'s own mask, with all of its options and calls, at PAIR's defaults.
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
        target: what of ``y`` is explained, as ``saliency.Vanilla``'s own ``y``: a class, a list of classes, None for each
            input's top class; of no meaning where ``y`` is one number for an input.
        **settings: ``channel_axis`` of ``GraphAdapter``; ``batch_size``, ``logits``, ``modifier`` and the method's options.

    Returns:
        ``saliency.Vanilla``, with ``GetMask(x_value, feed_dict)`` and ``GetSmoothedMask(x_value, feed_dict)``.

    Raises:
        InputError, TargetError, ModelError: as ``GraphAdapter`` and the method.
    """
    return _mask(VanillaMask, GraphAdapter(graph, session, y, x, **_own(settings)), target, settings)


def GuidedBackprop(
    graph: Any,
    session: Any,
    y: Any,
    x: Any,
    tmp_ckpt_path: Any = None,  # noqa: ARG001 - PAIR's; no checkpoint is written
    target: Any = None,
    **settings: Any,
) -> GuidedBackpropMask:
    """Explain a graph's output by guided backpropagation, in the same graph and session: see ``Vanilla``."""
    return _mask(GuidedBackpropMask, GraphAdapter(graph, session, y, x, **_own(settings)), target, settings)


def IntegratedGradients(
    graph: Any, session: Any, y: Any, x: Any, target: Any = None, **settings: Any
) -> IntegratedGradientsMask:
    """Explain a graph's output by integrated gradients, with PAIR's 25 steps, both ends at full weight: see ``Vanilla``."""
    adapter = GraphAdapter(graph, session, y, x, **_own(settings))
    return _mask(IntegratedGradientsMask, adapter, target, {"x_steps": 25, "rule": "inclusive", **settings})


def Occlusion(graph: Any, session: Any, y: Any, x: Any, target: Any = None, **settings: Any) -> OcclusionMask:
    """Explain a graph's output by occlusion, with PAIR's windows of 15 x 15 zeros, pixel by pixel: see ``Vanilla``."""
    adapter = GraphAdapter(graph, session, y, x, **_own(settings))
    return _mask(OcclusionMask, adapter, target, {"size": 15, "value": 0.0, **settings})


def GradCAM(
    graph: Any, session: Any, y: Any, x: Any, conv_layer: Any = None, target: Any = None, **settings: Any
) -> GradCAMMask:
    """Explain a graph's output by Grad-CAM, resized to the input and repeated for its channels as PAIR's: see ``Vanilla``.

    ``conv_layer`` is a tensor, an operation or a name; None finds the last one with spatial axes.
    """
    adapter = GraphAdapter(graph, session, y, x, conv_layer, **_own(settings))
    return _mask(GradCAMMask, adapter, target, {"should_resize": True, "three_dims": True, **settings})


GradientSaliency = Vanilla
GuidedBackpropSaliency = GuidedBackprop
GradCam = GradCAM


def _own(settings: dict[str, Any]) -> dict[str, Any]:
    """Take the adapter's settings out of those of a mask."""
    return {"channel_axis": settings.pop("channel_axis")} if "channel_axis" in settings else {}


def _mask(method: type[Mask], adapter: GraphAdapter, target: Any, settings: dict[str, Any]) -> Mask:
    one_number = adapter.y.shape.rank in (0, 1)  # of an input: it is the top one, and need not be looked for
    return method(adapter, 0 if target is None and one_number else target, **settings)
