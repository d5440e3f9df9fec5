"""DeepLIFT's multipliers on the autograd graph of one call."""
