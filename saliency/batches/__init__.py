"""Compute the masks of many inputs into one file; a killed run can be resumed."""
