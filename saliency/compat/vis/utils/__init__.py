"""keras-vis's package ``vis.utils``."""
