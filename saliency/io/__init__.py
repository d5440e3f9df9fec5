"""Read and write DNNBrain's stimulus, activation and mask files; read pictures; write files atomically."""
