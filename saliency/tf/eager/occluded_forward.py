"""Run a model on inputs with an occluded window, based on its activations for the clean inputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from saliency.core.errors import ForwardError
from saliency.core.interrupts import DeferredInterrupts
from saliency.core.methods import incremental_occlusion
from saliency.core.target import Target
from saliency.tf.eager.fused_functions import in_host_memory
from saliency.tf.eager.model_outputs import ModelOutputs
from saliency.tf.eager.trace_cache import TraceCache
from saliency.tf.eager.tracing import Trace
from saliency.tf.incremental import CleanMaps, build_occluded_outputs
from saliency.tf.ops.error_translation import translate_errors
from saliency.tf.ops.graph_info import GraphInfo


class IncrementalError(Exception):
    """Raised if too little work would be saved, or the graph can't be built; the caller then runs plain passes."""


class OccludedForward:
    """Compute the outputs of occluded inputs incrementally; see ``core.types.OccludedOutputs``.

    Args:
        outputs: reads the model's outputs.
        traces: the model's traces.
        x: the clean inputs, (N, rows, columns, channels) or channels first, as ``outputs.channel_axis`` states.
        cover: the content of windows, with the shape of ``x``.
        size: rows and columns of a window.
        target: the target of the outputs.
    """

    def __init__(
        self, outputs: ModelOutputs, traces: TraceCache, x: Any, cover: Any, size: Sequence[int], target: Target
    ) -> None:
        self._outputs, self._traces, self._x, self._target = outputs, traces, x, target
        self._channels_first = outputs.channel_axis == 0
        self._size = int(size[0]), int(size[1])
        self._cover = tf.transpose(cover, (0, 2, 3, 1)) if self._channels_first else cover
        self._clean: list[Any] | None = None
        self.saved_fraction = 0.0
        self.patched: tuple[str, ...] = ()  # types of the operations that receive patches, or full maps in their place
        self.unpatched: tuple[str, ...] = ()

    def outputs(self, rows: npt.NDArray[np.int64], corners: npt.NDArray[np.int64], feed: Mapping[str, Any]) -> Any:
        samples = self._cover, tf.constant(rows, tf.int32), tf.constant(corners, tf.int32)
        with DeferredInterrupts(), translate_errors(self._x):
            if self._clean is None:
                self._clean = self._compute_clean_maps(feed, samples)
            trace = self._trace("occluded outputs", self._build_outputs, feed, samples, self._clean)
            return trace(self._x, feed, *samples, *self._clean)

    def _compute_clean_maps(self, feed: Mapping[str, Any], samples: tuple[Any, ...]) -> list[Any]:
        """Return what patches need of the activations of the clean inputs.

        Raises:
            IncrementalError: if it is not worth the while, so that the second graph is not built.
        """
        trace = self._trace("clean maps", self._build_clean_maps, feed, samples, [])
        self.saved_fraction, self.patched, self.unpatched = trace.info.incremental
        if self.saved_fraction < incremental_occlusion.MIN_SAVED_FRACTION:
            raise IncrementalError
        return list(trace(self._x, feed, *samples))

    def _trace(self, kind: str, build: Any, feed: Mapping[str, Any], samples: tuple[Any, ...], clean: list[Any]) -> Trace:
        key = (kind, *self._outputs.target_key(self._target), self._size, self._channels_first)
        if self._target.function is not None:
            return self._traces.get(key, [self._target.function], build, self._x, feed, *samples, *clean)
        failed = (*key, self._x.shape[1:], *feed)
        if failed in self._traces.failed:  # building a graph that can't be built takes seconds
            raise IncrementalError
        try:
            return self._traces.get(key, [], build, self._x, feed, *samples, *clean)
        except ForwardError:
            self._traces.failed.add(failed)
            raise

    def _build_clean_maps(self, info: GraphInfo, x: Any, feed: Mapping[str, Any], *samples: Any) -> list[Any]:
        clean_maps = CleanMaps()
        self._build(info, x, feed, samples, clean_maps)
        return clean_maps.tensors

    def _build_outputs(self, info: GraphInfo, x: Any, feed: Mapping[str, Any], *tensors: Any) -> Any:
        return self._build(info, x, feed, tensors[:3], CleanMaps(tensors[3:]))

    def _build(self, info: GraphInfo, x: Any, feed: Mapping[str, Any], samples: Any, clean_maps: CleanMaps) -> Any:
        forward_pass = self._outputs.layers.run(info, x, feed, self._target.layers)
        output = self._outputs.target_output(forward_pass, x, self._target, info)
        flat = tf.nest.flatten(output)
        at = [i for i, one in enumerate(flat) if isinstance(one, tf.Tensor)]
        built = build_occluded_outputs(x, [flat[i] for i in at], self._size, self._channels_first, samples, clean_maps)
        info.incremental = built.saved_fraction, built.with_rules, built.without_rules
        for i, tensor in zip(at, built.outputs, strict=True):
            flat[i] = tensor
        return tf.nest.pack_sequence_as(output, flat)


def supports_incremental(x: Any, cover: Any, channel_axis: int | None) -> bool:
    """Return whether inputs are images in the host's memory: accelerators may lose more by small operations than they save."""
    last = channel_axis is not None and channel_axis in (-1, x.shape.rank - 2)
    return x.shape.rank == 4 and (channel_axis == 0 or last) and in_host_memory(x, cover)
