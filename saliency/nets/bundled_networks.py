"""Names, weights files and input normalization of the bundled networks, in both frameworks."""

EMBEDDED_WEIGHTS = {"DemoNet": "clean.safetensors", "ShortcutNet": "shortcut.safetensors", "DemoViT": "vit.safetensors"}
"""Name -> weights file in ``saliency/demo``; ShortcutNet has the layers of DemoNet, and DemoViT is a vision transformer."""

CLASS_NAMES = tuple(f"digit {digit}" for digit in range(10))

INPUT_SIZE = (96, 96)  # rows, columns
MEAN = 0.5  # x = (pixel / 255 - MEAN) / STD
STD = 0.25
