"""Draw masks and images."""
