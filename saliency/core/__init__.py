"""The contract between masks, targets and adapters, and the run of a mask. Imports no framework."""
