"""Torch: its networks, its bare passes, its rows."""
