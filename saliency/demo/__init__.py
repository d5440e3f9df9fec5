"""An embedded network, scenes whose objects are known, and ``python -m saliency.demo``, which shows the masks on them."""
