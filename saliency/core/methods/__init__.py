"""The saliency methods, one file each."""
