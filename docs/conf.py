"""Sphinx configuration, for ``make docs``. Neither the build nor the site needs a network."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "extensions")]  # this checkout's library, and this site's Sphinx extensions

import saliency  # noqa: E402 - needs the path above

project = "saliency"
author = "the authors of saliency"
copyright = author
version = release = saliency.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docstring_markup",
    "mathml",
    "signature_links",
    "repository_links",
    "notebook_page",
]
exclude_patterns = ["_build"]
nitpicky = True
# internal, though they occur in the signatures of public methods
nitpick_ignore = [
    ("py:class", f"saliency.{name}")
    for name in (
        "core.batching.BatchPlan",
        "core.joined_inputs.InputLayout",
        "core.regions.explanation.RegionValues",
        "core.regions.hiding.RegionScores",
        "ray.pieces.Piece",
        "ray.pieces.Result",
    )
]

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3

toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Options", "params_style"), ("Source", "Source")]

html_theme = "pydata_sphinx_theme"
html_title = "saliency"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 8,
}
html_sidebars = {"first_steps": [], "examples": []}  # pages without subpages
html_show_search_summary = False  # needs fetch, which browsers block for local files
html_static_path = ["static"]
html_css_files = ["site.css"]
