"""The embedded networks, as far as no framework has a part in them."""

EMBEDDED = {"DemoNet": "clean.safetensors", "ShortcutNet": "shortcut.safetensors"}
"""Name -> file of weights in ``saliency/demo``; both have DemoNet's layers."""

INPUT_SIZE = (96, 96)  # rows, columns
MEAN = 0.5  # x = (pixel / 255 - MEAN) / STD
STD = 0.25
