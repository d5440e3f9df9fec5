"""Run ``saliency report`` in tests and parse its page."""

import json
from html.parser import HTMLParser

from saliency.cli.main import main

VOID = ("meta", "input", "img", "br", "link")


class Page(HTMLParser):
    """The elements of a page, in order, as (name, attributes, direct text). An element that is not closed is an error."""

    def __init__(self, text):
        super().__init__()
        self.elements, self._open = [], []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        if tag not in VOID:
            self._open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        if self._open:
            self._open[-1][2] += data

    def all(self, tag, **attributes):
        """Return the elements with a name and these values of attributes."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [one for one in self.elements if one[0] == tag and all(one[1].get(k) == v for k, v in wanted.items())]

    @property
    def names(self):
        return [text for _, _, text in self.all("bdi")]

    def numbers(self, which):
        """Return the ``scores`` or the ``agreement`` of each row."""
        return [json.loads(attributes[f"data-{which}"]) for _, attributes, _ in self.all("div", class_="row", role="listitem")]

    @property
    def pictures(self):
        """The images of each row that has any."""
        return [json.loads(text) for _, _, text in self.all("script", type="application/json")]


def read(path):
    return Page(path.read_text(encoding="utf-8"))


def run(capsys, *arguments):
    """Return the exit status and the printed output and errors."""
    status = main(["report", *map(str, arguments)])
    return status, *capsys.readouterr()
