"""Files: DNNBrain's stimulus tables, pictures, and names that are never half-written."""
