"""The dimensions that a reshape joins and divides."""

from collections.abc import Sequence


def reshape_groups(before: Sequence[int], after: Sequence[int]) -> list[tuple[range, range]]:
    """Split the dimensions of two shapes into the smallest groups, in order, with the same number of entries each.

    Args:
        before: a shape without a length of 0.
        after: the shape of the reshaped array.

    Returns:
        Dimensions of the first shape and of the second one; one of them may be empty where the other has length 1.
    """
    groups, i, j = [], 0, 0
    while i < len(before) or j < len(after):
        first_i, first_j, left, right = i, j, 1, 1
        if i < len(before):
            left, i = before[i], i + 1
        if j < len(after) and (left > 1 or first_i == i or after[j] == 1):
            right, j = after[j], j + 1
        while left != right:
            if left < right:
                left, i = left * before[i], i + 1
            else:
                right, j = right * after[j], j + 1
        groups.append((range(first_i, i), range(first_j, j)))
    return groups
