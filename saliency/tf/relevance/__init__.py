"""Layer-wise relevance propagation on the operations of one graph."""
