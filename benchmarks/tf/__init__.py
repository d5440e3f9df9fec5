"""TensorFlow: its networks, its bare passes, its rows, and the libraries that do the same."""
