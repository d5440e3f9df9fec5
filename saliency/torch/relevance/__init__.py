"""Layer-wise relevance propagation on the autograd graph of one call."""
