"""Command-line programs, with DNNBrain's names and options."""
