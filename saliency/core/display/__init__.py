"""Figures and pictures of masks; imports no mask class."""
