"""``Masks``: from rows with pictures to rows with maps, for ``Dataset.map_batches`` of Ray Data."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy.typing as npt
from PIL import Image

from saliency import nets
from saliency.batches.computation import PieceComputer
from saliency.batches.items import Item
from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.validation import boolean, shown, whole_number
from saliency.io.picture_options import DEFAULT_OPTIONS, PictureOptions
from saliency.ray.mask_rows import TYPES, MaskRows
from saliency.ray.method_choice import MethodChoice, NetworkMasks
from saliency.ray.network_source import NetworkSource
from saliency.ray.picture_rows import Columns, PictureRows
from saliency.ray.worker import cpus_of_worker, gpu_is_assigned
from saliency.ray.worker_files import check_files, check_module

Array = npt.NDArray[Any]
GPU_PIECE = 32


@dataclass
class Masks:
    """Compute the maps of pictures in a worker of Ray Data.

    Pass the class to ``map_batches``, which makes an object in each worker:
    ``dataset.map_batches(Masks, fn_constructor_kwargs={"network": "DemoNet"}, batch_size=16, concurrency=4)``. The network is
    loaded with the first batch. The bytes of a map do not depend on the batch of its row: they are those of ``saliency.map``
    with the same ``piece``, where its pieces are full, on the same kind of processor with the same number of threads.

    Args:
        network: a name or a file that ``saliency.nets.load`` accepts, ``module:function``, ``file.py:function``, or a function
            at the top level of a module, which returns a model or a ``Network``.
        method: a method, or its name in ``saliency``.
        y: the target of rows without one; see ``SaliencyMask``. None explains the top class.
        picture: column with the bytes of picture files, their paths, or arrays; also with dictionaries of ``bytes`` and
            ``path``, as in the Parquet files of Hugging Face.
        name: column with the names of the pictures.
        target: column with the class of each row, from 0; a missing value selects ``y``.
        smoothed: average each map over noisy copies (SmoothGrad).
        options: options of the constructor, of the method and, with ``smoothed``, of ``GetSmoothedMask``.
        network_options: options of ``saliency.nets.load``, such as ``weights``.
        whole_picture: resize whole pictures without cropping them, as the commands do.
        reading: how picture files are read.
        device: device of a Torch network; None is the GPU of a worker with ``num_gpus``, and otherwise the CPU.
        piece: number of pictures that are computed together. Copies fill a smaller piece, so that bytes do not depend on
            the batch. None is 32 on a GPU, and otherwise 1.
        threads: number of threads that read pictures beside the passes. None is the number of CPUs of the worker; 1 for a
            network with a preprocessing function of its own.
        dtype: ``"float32"`` or ``"float16"`` of the maps. A map whose values float16 cannot hold fails.

    Raises:
        InputError: if an argument is invalid.
    """

    network: str | Callable[[], Any]
    method: str | type[SaliencyMask] = "GradCAM"
    y: Any = None
    picture: str = "path"
    name: str = "name"
    target: str | None = None
    smoothed: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    network_options: Mapping[str, Any] = field(default_factory=dict)
    whole_picture: bool = False
    reading: PictureOptions = DEFAULT_OPTIONS
    device: str | None = None
    piece: int | None = None
    threads: int | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name, value in (("piece", self.piece), ("threads", self.threads)):
            if value is not None:
                whole_number(name, value, least=1)
        if self.dtype not in TYPES:
            raise InputError(f"`dtype` (={shown(self.dtype)}) must be {' or '.join(map(repr, TYPES))}")
        boolean("whole_picture", self.whole_picture)
        for name, kind in (("options", Mapping), ("network_options", Mapping), ("reading", PictureOptions)):
            if not isinstance(given := getattr(self, name), kind):
                raise InputError(f"`{name}` (={shown(given)}) must be a {kind.__name__}")
        self._source = NetworkSource(self.network, self.network_options)
        self._choice = MethodChoice(self.method, self.y, self.smoothed, self.options)
        self._columns = Columns(self.picture, self.name, self.target)

    def check(self) -> None:
        """Check before a job, in its driver, that every machine of the cluster has the files or the module of the network.

        Raises:
            InputError: if a machine lacks one, or has another file.
        """
        check_files(self._source.files)
        if self._source.module is not None:
            check_module(self._source.module)

    def __call__(self, batch: Mapping[str, Array]) -> dict[str, Array]:
        """Return the rows of a batch with their maps.

        Args:
            batch: column -> (n, ...).

        Returns:
            The columns of the batch, without pictures that are not paths, and ``map`` (n, *mask), ``score``, ``target`` (a
            description), ``details`` (JSON), ``details/NAME`` (n, ...) for details of two or more axes, ``error`` (a code),
            ``reason`` and ``record`` (JSON). A picture that failed has a map of NaN; ``error`` is empty for others. They
            replace columns of the batch with the same names.

        Raises:
            InputError: if a column is missing, or maps have different shapes.
        """
        self._columns.check(batch)
        rows = MaskRows([str(name) for name in batch[self.name]], self.dtype)
        with closing(self._pictures.items(batch)) as items:
            for piece in self._pieces(items):
                rows.add(self._computer.compute(piece))
        if not rows.is_empty and "_template" not in vars(self):
            self._template = rows.template()
        kept = {name: values for name, values in batch.items() if name != self.picture or isinstance(_first(values), str)}
        return {**kept, **rows.columns(self._template, self._record)}

    def _pieces(self, items: Iterator[Item]) -> Iterator[list[Item]]:
        """Yield pictures to compute together: those with a target of their own, and those without."""
        waiting: dict[bool, list[Item]] = {True: [], False: []}
        for item in items:
            group = waiting[item.target is None]
            group.append(item)
            if len(group) == self._size:
                yield group
                waiting[item.target is None] = []
        yield from filter(None, waiting.values())

    @cached_property
    def _network(self) -> nets.Network:
        network = self._source.load(self.device)
        if network.frames is not None:
            raise InputError(f"`network` (={shown(self.network)}) must be a network of images; this one classifies videos")
        return network.whole_picture() if self.whole_picture else network

    @cached_property
    def _masks(self) -> NetworkMasks:
        return self._choice.on(self._network)

    @cached_property
    def _size(self) -> int:
        return self.piece or (GPU_PIECE if gpu_is_assigned() else 1)

    @cached_property
    def _computer(self) -> PieceComputer:
        return PieceComputer(self._masks, filled=self._size)

    @cached_property
    def _pictures(self) -> PictureRows:
        threads = self.threads or (cpus_of_worker() if self._network.preprocess is None else 1)
        return PictureRows(self._network, self._columns, self.reading, threads)

    @cached_property
    def _record(self) -> str:
        return json.dumps(self._masks.record())

    @cached_property
    def _template(self) -> dict[str, Array]:
        """Name of an array -> its row for a gray picture, which shows the shape of a map where every picture failed."""
        height, width = self._network.size
        gray = self._network.prepare(Image.new("RGB", (width, height), "gray"))
        computed = PieceComputer(self._masks, filled=self._size).compute([Item(0, gray)])
        if not computed.rows:
            raise computed.errors[0]
        return {name: array[0] for name, array in computed.arrays.items()}


def _first(values: Array) -> Any:
    return values[0] if len(values) else None
