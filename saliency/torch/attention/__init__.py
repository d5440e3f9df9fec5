"""Read the weights of attention, and the gradients by them, from the autograd graph of one call."""
