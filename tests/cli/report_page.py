"""A page of ``saliency report`` as a program reads it."""

import json
from html.parser import HTMLParser
from pathlib import Path

import saliency.demo
from saliency.cli.main import main

DEMO = Path(saliency.demo.__file__).parent
EMBEDDED = ["-net", "DemoNet", "-layer", "fc1", "-chn", "4", "8"]
VOID = ("meta", "input", "img", "br", "link")


class Page(HTMLParser):
    """Its elements, in order, as (name, attributes, text directly inside); an element that is left open is an error."""

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
        """Return the elements of a name whose attributes have these values."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [one for one in self.elements if one[0] == tag and all(one[1].get(k) == v for k, v in wanted.items())]

    @property
    def names(self):
        return [text for _, _, text in self.all("bdi")]

    def numbers(self, which):
        """Return the scores or the agreement of each row."""
        return [json.loads(attributes[f"data-{which}"]) for _, attributes, _ in self.all("div", class_="row", role="listitem")]

    @property
    def pictures(self):
        """The pictures of each row that has some."""
        return [json.loads(text) for _, _, text in self.all("script", type="application/json")]


def read(path):
    return Page(path.read_text(encoding="utf-8"))


def table(folder, names, source=DEMO / "scenes"):
    """Write a stimulus file."""
    file = folder / "some.stim.csv"
    file.write_text(f"type=image\npath={source}\ndata=stimID\n" + "\n".join(names), encoding="utf-8")
    return file


def run(capsys, *arguments):
    """Return the exit status and what was printed."""
    status = main(["report", *map(str, arguments)])
    return status, *capsys.readouterr()
