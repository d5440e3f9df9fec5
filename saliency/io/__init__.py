"""Files: DNNBrain's stimuli, activations and masks; pictures; and names that are never half-written."""
