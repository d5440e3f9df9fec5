"""The lock that threads of this package hold while they build a graph."""

import threading

TRACING_LOCK = threading.RLock()
"""Held while a graph is built: layers may be patched, and a process-wide TensorFlow setting may change."""
