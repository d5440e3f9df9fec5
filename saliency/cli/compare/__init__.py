"""``saliency compare``: measure the maps of several methods beside controls."""
