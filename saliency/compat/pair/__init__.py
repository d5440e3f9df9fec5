"""The interface of PAIR's ``saliency`` 0.2.1, in which the user's function computes gradients.

Replace ``import saliency.core as saliency`` by ``import saliency.compat.pair.core as saliency``, and likewise ``saliency.tf1``
and ``saliency.metrics.pic``. The classes keep PAIR's names, arguments, defaults and numbers. This library's masks compute
them.
"""

from saliency.compat.pair import core, tf1

__all__ = ["core", "tf1"]
