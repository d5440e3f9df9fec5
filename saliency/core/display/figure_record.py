"""The record of a figure: how its masks were computed."""

from collections.abc import Sequence
from typing import Any

from saliency.core.display.described_mask import DescribedMask


def figure_record(columns: Sequence[Sequence[DescribedMask]]) -> dict[str, Any]:
    """Return the record of a figure, as JSON, by name: that of its masks, with their targets.

    Args:
        columns: N masks of one method for each column.

    Returns:
        The record of the only column, or a list of records, ``masks``, with the ``versions`` of libraries. It is empty if no
        mask has a record.
    """
    records = [_column_record(column) for column in columns if column[0].about.record]
    if len(records) < 2:
        return records[0] if records else {}
    versions = records[0]["versions"]
    return {"masks": [{name: one[name] for name in one if name != "versions"} for one in records], "versions": versions}


def _column_record(column: Sequence[DescribedMask]) -> dict[str, Any]:
    targets = [one.about.targets[0] for one in column]
    return {**column[0].about.record, "target": targets if len(targets) > 1 else targets[0]}
