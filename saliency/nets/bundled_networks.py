"""Names, weights files and input normalization of the bundled networks, in both frameworks."""

EMBEDDED_WEIGHTS = {"DemoNet": "clean.safetensors", "ShortcutNet": "shortcut.safetensors"}
"""Name -> weights file in ``saliency/demo``; both networks have the layers of DemoNet."""

CLASS_NAMES = tuple(f"digit {digit}" for digit in range(10))

INPUT_SIZE = (96, 96)  # rows, columns
MEAN = 0.5  # x = (pixel / 255 - MEAN) / STD
STD = 0.25
