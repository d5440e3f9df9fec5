"""The interfaces of keras-vis and DNNBrain, computed by this library's methods."""
