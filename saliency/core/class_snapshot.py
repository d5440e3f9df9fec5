"""Record and restore the attributes of the classes that a model's code defines."""

from typing import Any

from saliency.core.container_snapshot import is_other_package

_MISSING = object()


def stateful_classes(kind: type) -> list[type]:
    """Return a class and its bases, without those of frameworks, of the standard library and of other packages.

    Args:
        kind: the class of a module or of another object that a model holds.
    """
    return [each for each in kind.__mro__ if not is_other_package(each)]


class ClassSnapshot:
    """The attributes of a class, by identity: a counter or a cache that all its instances share.

    Args:
        kind: the class.
    """

    def __init__(self, kind: type) -> None:
        self._kind, self.attributes = kind, self._read(kind)

    @staticmethod
    def _read(kind: type) -> dict[str, Any]:
        return {name: value for name, value in vars(kind).items() if not name.startswith("__")}

    def restore(self) -> bool:
        """Restore the attributes; return whether they had changed."""
        before, now = self.attributes, self._read(self._kind)
        added = now.keys() - before.keys()
        changed = [name for name, value in before.items() if now.get(name, _MISSING) is not value]
        for name in added:
            type.__delattr__(self._kind, name)
        for name in changed:
            type.__setattr__(self._kind, name, before[name])
        return bool(added or changed)
