"""``saliency.map``: compute the masks of many inputs into one file."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saliency.batches.computation import PieceComputer
from saliency.batches.items import InputSource
from saliency.core.computation_record import computation_record
from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.method_options import option_names
from saliency.core.validation import boolean, whole_number
from saliency.io.store_format import SUFFIXES

if TYPE_CHECKING:
    from saliency.batches.run import MapResult


def map(
    mask: SaliencyMask,
    inputs: Any,
    out: str | os.PathLike[str],
    targets: Any = None,
    resume: bool = True,
    *,
    ids: Iterable[str] | None = None,
    prepare: Callable[[Any], Any] | None = None,
    batched: bool | None = None,
    smoothed: bool = False,
    piece: int = 32,
    max_errors: int | None = None,
    progress: bool = False,
    **options: Any,
) -> "MapResult":
    """Compute the masks of many inputs into one file. A killed run resumes if it is called again.

    The inputs are read one after the other, so that they may be larger than memory. An input that fails is noted with its
    index; its mask is NaN.

    Args:
        mask: the method, with its model.
        inputs: a list, an array (N, *input), a generator, a map-style dataset, a Torch ``DataLoader`` or a
            ``tf.data.Dataset``. To resume, pass the same inputs in the same order; they are read again and compared.
        out: the file to write. ``maps.h5`` is an HDF5 file, ``maps.zarr`` a Zarr folder, which needs
            ``pip install saliency-masks[zarr]``. It has ``masks`` (N, *mask), or ``masks/NAME`` for each of several inputs of
            a model, ``details/NAME``, ``error`` (N,), a text that is empty if an input did not fail, and attributes that
            describe the computation; see ``saliency info``.
        targets: one target for all inputs, or a list or a generator of one target for each; ``"paired"`` if the items are
            pairs (input, target), as those of many loaders; None uses the target of ``mask``.
        resume: continue a run that ended early. If False, start again, and replace ``out``.
        ids: names of the inputs, which are written as ``stimID``.
        prepare: a function from an item to an input, such as one that opens a file. If it raises, the input has failed.
        batched: whether an item is a batch of inputs. None reads it from a ``DataLoader``; other items are one input each.
        smoothed: average each mask over noisy copies, as ``GetSmoothedMasks`` does.
        piece: number of inputs that are computed and saved together. A run that is killed loses at most one piece.
        max_errors: how many inputs may fail before the run stops; None for any number. If all inputs of the first piece fail,
            it stops at once.
        progress: show a progress bar.
        **options: options of the method, and of smoothing. If no ``seed`` is given, it is 0, so that runs can be repeated.

    Returns:
        The path, the number of inputs, and the failures.

    Raises:
        InputError: if an argument is invalid, ``out`` exists already, or the inputs differ from those of the earlier run.
        ValueError: if ``out`` belongs to an unfinished run with other settings, or to one in progress.
        SaliencyError: the first failure, if all inputs of the first piece failed or more than ``max_errors``.
        OSError: if a file cannot be written. The run can be resumed.
    """
    from saliency.batches.run import MapRun  # here, because it is not needed by most programs

    if not isinstance(mask, SaliencyMask):
        raise InputError(f"`mask` ({type(mask).__name__}) must be a method with its model, such as saliency.Vanilla(model)")
    path, source = _checked_path(out), InputSource(inputs, targets, batched, prepare)
    smoothed, resume = boolean("smoothed", smoothed), boolean("resume", resume)
    if smoothed or ("seed" in option_names(mask.masks) and "seed" not in mask.options):
        options = {"seed": 0, **options}
    compute = mask.GetSmoothedMasks if smoothed else mask.GetMasks
    computer = PieceComputer(lambda x, y: compute(x, None if all(one is None for one in y) else y, progress=False, **options))
    limit = None if max_errors is None else whole_number("max_errors", max_errors, least=0)
    size = whole_number("piece", piece, least=1)
    record = computation_record(mask, smoothed, options)
    return MapRun(source, computer, path, record, size, limit, boolean("progress", progress)).run(resume, ids)


def _checked_path(out: Any) -> Path:
    if not isinstance(out, str | os.PathLike) or Path(out).suffix not in SUFFIXES:
        raise InputError(f"`out` (={out!r}) must be a path that ends in {' or '.join(SUFFIXES)}")
    path = Path(out)
    if not path.parent.is_dir():
        raise InputError(f"`out` ({path}) must be in an existing folder; {path.parent} is none")
    if path.is_dir() != (path.suffix == ".zarr") and path.exists():
        raise InputError(f"`out` ({path}) must be a {'folder' if path.suffix == '.zarr' else 'file'}, or not exist")
    return path
