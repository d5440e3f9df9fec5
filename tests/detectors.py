"""Detectors of each form whose two objects are the brightness of two known patches, for NumPy and Torch."""

SPACE = 32, 40
PATCHES = {0: (6, 4, 16, 12), 1: (22, 20, 30, 30)}
"""Class -> x0, y0, x1 and y1 of its patch, which is also the box of its object."""

BOXES = [(11, 17, 12, 19), PATCHES[0], PATCHES[1], (30, 3, 34, 6)]
"""The box of each query; the first and the last one find nothing."""


def _logits(x, xp):
    """Return the logits (N, 4, 3)."""
    found = [4 * xp.mean(x[:, :, y0:y1, x0:x1], (1, 2, 3)) for x0, y0, x1, y1 in PATCHES.values()]
    low = 0 * found[0] - 4
    rows = [low, low, low], [found[0], low, low], [low, found[1], low], [low, low, low]
    return xp.stack([xp.stack(row, 1) for row in rows], 1)


def _boxes(x, xp, lengths=(1, 1, 1, 1)):
    """Return center, width and height of each box, (N, 4, 4), as multiples of lengths."""
    zero = 0 * x[:, 0, 0, 0]
    sizes = [((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0) for x0, y0, x1, y1 in BOXES]
    return xp.stack([xp.stack([zero + n / length for n, length in zip(box, lengths, strict=True)], 1) for box in sizes], 1)


def query_outputs(x, xp, no_object):
    """Return what DETR (with the class "no object") or RT-DETR returns."""
    logits, (rows, columns) = _logits(x, xp), SPACE
    if no_object:
        logits = xp.concatenate([logits, 0 * logits[:, :, :1]], 2)
    return {"loss": None, "logits": logits, "pred_boxes": _boxes(x, xp, (columns, rows, columns, rows))}


def anchor_outputs(x, xp, anchors_last=True, objectness=False):
    """Return what YOLO returns: an array (N, 4 + classes, anchors), and the features of its head."""
    scores = 1 / (1 + xp.exp(-_logits(x, xp)))
    certain = [xp.amax(scores, axis=2, keepdims=True)] if objectness else []
    array = xp.concatenate([_boxes(x, xp), *certain, scores], 2)
    return (xp.swapaxes(array, 1, 2) if anchors_last else array), [scores]


def list_outputs(x, xp):
    """Return what torchvision's detectors return: the objects with a score above 0.5, with labels that start at 1."""
    scores = 1 / (1 + xp.exp(-_logits(x, xp)))
    found = []
    for one in scores:
        rows = [(1, one[1, 0]), (2, one[2, 1])]
        kept = [(label, score) for label, score in rows if bool(score > 0.5)]
        boxes = xp.asarray([PATCHES[label - 1] for label, _ in kept], dtype=xp.float32).reshape(-1, 4)
        labels = xp.asarray([label for label, _ in kept], dtype=xp.int64)
        found.append({"boxes": boxes, "labels": labels, "scores": xp.stack([s for _, s in kept]) if kept else one[0, :0]})
    return found


FORMS = {
    "softmax": lambda x, xp: query_outputs(x, xp, no_object=True),
    "sigmoid": lambda x, xp: query_outputs(x, xp, no_object=False),
    "anchors": anchor_outputs,
    "anchors first": lambda x, xp: anchor_outputs(x, xp, anchors_last=False)[0],
    "objectness": lambda x, xp: anchor_outputs(x, xp, objectness=True),
    "list": list_outputs,
}
"""Name of a form -> the detector's outputs for images (N, 3, 32, 40)."""

OPTIONS = {
    "softmax": {"no_object": True},
    "sigmoid": {"no_object": False},
    "anchors first": {"objectness": False},
    "objectness": {"objectness": True},
}
"""Name of a form -> the options of ``Box`` that it needs, as these detectors do not name their classes."""
