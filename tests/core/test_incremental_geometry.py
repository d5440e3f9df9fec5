"""The boxes of changed positions, against a list of every position that each output reads."""

import numpy as np
import pytest

from saliency.core.incremental.box_batch import BoxBatch, bounding_boxes
from saliency.core.incremental.sliding_geometry import SlidingGeometry


def read_positions(output, axis, geometry):
    """Return the positions of a map that an output reads on one axis, also those in the padding."""
    start = output * geometry.stride[axis] - geometry.padding[axis]
    return {start + i * geometry.dilation[axis] for i in range(geometry.kernel[axis])}


@pytest.mark.parametrize("seed", range(40))
def test_affected_outputs_and_what_they_read(seed):
    rng = np.random.default_rng(seed)
    kernel, stride, dilation, before, after = (tuple(rng.integers(*ends, 2).tolist()) for ends in (
        (1, 5), (1, 5), (1, 3), (0, 3), (0, 3)))  # fmt: skip
    geometry, size = SlidingGeometry(kernel, stride, before, dilation, padding_after=after), (17, 13)
    boxes = BoxBatch(rng.integers(0, 9, (20, 2)), (4, 5), size)
    outputs = boxes.affected_outputs(geometry)
    padded = [length + one + other for length, one, other in zip(size, before, after, strict=True)]
    required = outputs.required_inputs(geometry, padded)
    for axis in (0, 1):
        last = max(o for o in range(40) if max(read_positions(o, axis, geometry)) < size[axis] + after[axis])
        assert outputs.map_size[axis] == last + 1
        for i, start in enumerate(boxes.starts[:, axis]):
            changed = set(range(start, start + boxes.size[axis]))
            inside = set(range(outputs.starts[i, axis], outputs.starts[i, axis] + outputs.size[axis]))
            assert {o for o in range(last + 1) if read_positions(o, axis, geometry) & changed} <= inside <= {*range(last + 1)}
            first = required.starts[i, axis] - before[axis]
            read = set().union(*(read_positions(o, axis, geometry) for o in inside))
            assert read <= {*range(first, first + required.size[axis])}
            assert {min(read), max(read)} == {first, first + required.size[axis] - 1}


def test_bounding_boxes_contain_all():
    rng = np.random.default_rng(0)
    batches = [BoxBatch(rng.integers(0, 8, (30, 2)), (3, 4), (12, 12)) for _ in range(3)]
    joined = bounding_boxes(batches)
    for one in batches:
        assert (joined.starts <= one.starts).all()
        assert (joined.starts + np.array(joined.size) >= one.starts + np.array(one.size)).all()
    assert (joined.starts >= 0).all() and (joined.starts + np.array(joined.size) <= 12).all()
