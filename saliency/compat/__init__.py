"""Other tools' interfaces on top of the same masks."""
