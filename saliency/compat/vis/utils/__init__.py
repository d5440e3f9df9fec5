"""keras-vis's package path; see ``utils``."""
