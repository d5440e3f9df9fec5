"""The HTML page of ``saliency report``."""
