"""The documentation site builds without warnings, is complete, and needs no network."""

import contextlib
import io
import json
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

import saliency

ROOT = Path(saliency.__file__).parents[1]
CLASSES = [value for name in saliency.__all__ if isinstance(value := getattr(saliency, name), type)]
METHODS = {kind.__name__ for kind in CLASSES if issubclass(kind, saliency.SaliencyMask)} - {"SaliencyMask"}
REGION_PAGES = {
    "feature_ablation",
    "shapley_sampling",
    "kernel_shap",
    "lime",
    "sobol_indices",
    "hsic",
}  # one image shows them all
BUILD = ["-n", "-W", "--keep-going", "-q", "-b", "html"]

pytestmark = pytest.mark.needs("sphinx", "myst_parser", "pydata_sphinx_theme", "latex2mathml", "torch", "tensorflow")


class Page(HTMLParser):
    """The ids, links, loaded files and formulas of a page."""

    def __init__(self, file):
        super().__init__()
        self.ids, self.links, self.loaded, self.formulas = set(), [], [], 0
        self.text = file.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids |= {values["id"]} if "id" in values else set()
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag in ("img", "script") and values.get("src"):
            self.loaded.append(values["src"])
        if tag == "link" and values.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded.append(values["href"])
        self.formulas += tag == "math"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site; return file -> page."""
    from sphinx.cmd.build import build_main  # in this process, which may have imported both frameworks already

    out, errors = tmp_path_factory.mktemp("site"), io.StringIO()
    with contextlib.redirect_stderr(errors), warnings.catch_warnings(), pytest.MonkeyPatch.context() as patched:
        warnings.simplefilter("ignore")  # those of Python; Sphinx's own are errors by -W
        patched.setattr(sys, "path", sys.path.copy())  # docs/conf.py adds folders to it
        modules = set(sys.modules)
        code = build_main([*BUILD, "-d", str(out / "trees"), str(ROOT / "docs"), str(out / "html")])
    for name in set(sys.modules) - modules:  # the extensions of these docs have everyday names
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(ROOT / "docs")):
            del sys.modules[name]
    assert code == 0, errors.getvalue()[-3000:]
    return {file: Page(file) for file in (out / "html").rglob("*.html") if "_static" not in file.parts}


def test_every_public_name_is_in_the_reference(site):
    ids = set().union(*(page.ids for path, page in site.items() if path.parent.name == "api"))
    assert not {name for name in saliency.__all__ if f"saliency.{name}" not in ids}


def test_signatures_have_short_types(site):
    for path, page in site.items():
        assert "~saliency" not in page.text and "~typing" not in page.text, f"{path.name}: Sphinx could not parse a signature"


def test_every_method_has_a_page_with_a_formula_and_an_image(site):
    pages = {path.stem: page for path, page in site.items() if path.parent.name == "methods"}
    links = {link.rpartition("#")[2] for page in pages.values() for link in page.links if "api/masks.html#" in link}
    assert {f"saliency.{name}" for name in METHODS} <= links
    images = {name: "regions.webp" if name in REGION_PAGES else f"{name}.webp" for name in pages}
    assert not [name for name, page in pages.items() if page.formulas == 0 or images[name] not in "".join(page.loaded)]


def test_the_notebook_s_page_has_its_images(site):
    cells = json.loads((ROOT / "Examples.ipynb").read_text(encoding="utf-8"))["cells"]
    pictures = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", ()))
    (shown,) = (page for path, page in site.items() if path.name == "examples.html")
    assert sum(source.startswith("data:image/png") for source in shown.loaded) == pictures > 10


def test_no_link_is_broken(site):
    broken = []
    for path, page in site.items():
        for link in page.links:
            target, anchor = urldefrag(unquote(link))
            if "://" in target or target.startswith("mailto:"):
                continue
            file = (path.parent / target).resolve() if target else path
            if not file.is_file() or (anchor and file.suffix == ".html" and anchor not in site[file].ids):
                broken.append(f"{path.name}: {link}")
    assert not broken


def test_images_scripts_and_styles_are_part_of_the_site(site):
    loaded = [(path, source) for path, page in site.items() for source in page.loaded if not source.startswith("data:")]
    assert len(loaded) > len(site)
    assert not [
        (path.name, source)
        for path, source in loaded
        if not (path.parent / urldefrag(unquote(source.partition("?")[0]))[0]).is_file()
    ]
