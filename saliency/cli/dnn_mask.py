"""``dnn_mask``: extract layers, channels, rows and columns of interest from an activation file."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from saliency.cli.activation_files import check_output_path
from saliency.cli.command_runner import run_command
from saliency.cli.options import CommandError, OptionParser
from saliency.cli.unit_selection import add_unit_options, check_units, selected_units
from saliency.io import act, stim
from saliency.io.atomic_write import remove_leftover_files
from saliency.io.dmask import Dmask, Units
from saliency.io.hdf5 import file_version
from saliency.io.provenance import ProvenanceError, read_provenance

DESCRIPTION = """Extract units of interest from a file of activations. Select units by layer
and channel, or with a mask file."""
USAGE = """dnn_mask -act Activation -out Output [-layer Layer ...]
                [-chn Channel ...] [option ...]"""
EXAMPLE = """examples, with activations of the bundled network:
  dnn_act -net DemoNet -layer conv6 fc1 \\
      -stim saliency/demo/scenes.stim.csv -out both.act.h5
  dnn_mask -act both.act.h5 -layer conv6 -chn 1 2 3 -out conv6.act.h5
  dnn_mask -act both.act.h5 -layer conv6 fc1 -chn 2 9 -out two.act.h5
The last command selects channel 2 of conv6 and channel 9 of fc1. To select
rows and columns too, use -dmask FILE instead of -layer and -chn.

exit status: 0 success, 1 full disk, 2 invalid option or input (nothing
             written), 130 interrupted, 143 terminated"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments (None: those of the process) and return its exit status."""
    return run_command("dnn_mask", _run, argv, "nothing was written")


def _run(arguments: list[str]) -> int:
    options = _parser().parse(arguments)
    check_output_path(Path(options.out))
    mask = selected_units(options)
    activation = act.read(options.act, None if mask is None else mask.layers)
    if not activation.layers:
        raise CommandError(f"-act ({options.act}) has no layers")
    if mask is None:
        mask = Dmask({name: Units() for name in activation.layers})
    if options.stim is not None:
        _check_stimuli(options.stim, options.act, activation)
    check_units(options, mask, {name: layer.shape[1:] for name, layer in activation.layers.items()})
    remove_leftover_files(Path(options.out))
    with _described_interrupts(Path(options.out)):
        act.write(activation.mask(mask), options.out, _record_of_source(options.act))
    return 0


def _record_of_source(file: str) -> dict[str, Any]:
    """Return the record of how the activations were computed; empty if the file has none."""
    try:
        return {**read_provenance(file), "extracted_by": "dnn_mask", "extracted_from": Path(file).name}
    except ProvenanceError:
        return {}


@contextmanager
def _described_interrupts(out: Path) -> Iterator[None]:
    """Add to an interrupt whether the output was written, because a mask of a file to itself cannot simply be repeated."""
    before = file_version(out) if out.exists() else None
    try:
        yield
    except KeyboardInterrupt:
        after = file_version(out) if out.exists() else None
        raise KeyboardInterrupt("nothing was written" if after == before else f"{out} is complete") from None


def _check_stimuli(file: str, source: str, activation: act.Activation) -> None:
    n = len(stim.read(file))
    for name, layer in activation.layers.items():
        if layer.shape[0] != n:
            raise CommandError(f"-stim ({file}) has {n} stimuli, but {name} in {source} has {layer.shape[0]}")


def _parser() -> OptionParser:
    parser = OptionParser(prog="dnn_mask", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLE)
    parser.add_option("act", required=True, metavar="Activation", help="the activations, a .act.h5 file")
    add_unit_options(parser)
    parser.add_option("stim", metavar="Stimulus", help="a .stim.csv file, to check the number of stimuli")
    parser.add_option("out", required=True, metavar="Output", help="the .act.h5 file to write; it may be the file of -act")
    parser.add_debug_option()
    return parser


if __name__ == "__main__":
    sys.exit(main())
