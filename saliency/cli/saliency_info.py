"""``saliency info``: print how the maps or activations of a file were computed."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from saliency.cli.command_runner import run_command
from saliency.cli.options import OptionParser
from saliency.cli.run_log import print_message
from saliency.io.provenance import read_provenance

DESCRIPTION = """Print how the maps or activations of a file were computed: network, checksum
of its weights, layers, method, options, seed, units, versions and stimuli. The
file was written by dnn_saliency, dnn_act, dnn_mask, saliency report,
saliency.map, or the savefig of a figure."""
USAGE = "saliency info FILE [-json]"
MAX_LISTED = 6
"""Number of entries of a long list that are printed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments (None: those of the process) and return its exit status."""
    return run_command("saliency info", _run, argv, "nothing was written")


def _run(arguments: list[str]) -> int:
    options = _parser().parse(arguments)
    record = read_provenance(options.file)
    if options.json:
        print_message(json.dumps(record), "stdout")
        return 0
    lines = dict(_lines(record))
    width = max(map(len, lines))
    for name, value in lines.items():
        print_message(f"{name:<{width}}  {_words(value)}", "stdout")
    return 0


def _lines(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return what each line shows: an entry of the record, or of a list of records, such as those of a figure's methods."""
    for name, value in record.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from ((f"{name}[{i}]", one) for i, one in enumerate(value))
        else:
            yield name, value


def _words(value: Any) -> str:
    """Return a value in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={_words(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        rest = [f"... ({len(value)} in all)"] if len(value) > MAX_LISTED else []
        return ", ".join([*map(_words, value[:MAX_LISTED]), *rest]) or "none"
    return "none" if value is None else str(value)


def _parser() -> OptionParser:
    parser = OptionParser(prog="saliency info", usage=USAGE, description=DESCRIPTION)
    parser.add_argument("file", metavar="FILE", help="the file: .h5, .npz, .zarr, .jpg, .png, .pdf, .svg or .html")
    parser.add_option("json", action="store_true", help="print everything, as one line of JSON")
    parser.add_debug_option()
    return parser


if __name__ == "__main__":
    sys.exit(main())
