"""Follow the positions of the input's spatial axes through a graph."""
