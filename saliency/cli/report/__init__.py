"""Write the HTML page of ``saliency report``."""
