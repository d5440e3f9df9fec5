"""The page of ``saliency report`` in Chromium, if Chromium and playwright are installed."""

import shutil
from pathlib import Path

import pytest

from saliency.cli.main import main
from tests.cli.browser.page_elements import HOSTILE
from tests.cli.saliency_command import BUNDLED, DEMO, table

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LABELS = [*range(10), 2, 5, 7, 8, 7, 1, 9, 3]  # of the first 18 scenes; that of the 15th and 17th is the second digit
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    """A page of forty rows: one stimulus has a hostile name, one has no image."""
    folder = tmp_path_factory.mktemp("report")
    for i in range(38):
        shutil.copy(DEMO / "scenes" / f"scene_{i % 18:02d}.png", folder / f"scene_{i:02d}.png")
    shutil.copy(DEMO / "scenes" / "scene_03.png", folder / HOSTILE)
    labels = [LABELS[i % 18] for i in range(38)]
    names = [*(f"scene_{i:02d}.png,{label}" for i, label in enumerate(labels)), f"{HOSTILE},3", "none.png,0"]
    stim = Path(table(folder, names, folder))
    stim.write_text(stim.read_text(encoding="utf-8").replace("data=stimID", "data=stimID,label"), encoding="utf-8")
    out = folder / "page.html"
    options = ["-meth", "guided", "gradcam", "-smooth", "2", "-metric", "sparseness", "complexity"]
    assert main(["report", *BUNDLED, *options, "-stim", str(stim), "-out", str(out)]) == 1
    return out


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with sync_api.sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@pytest.fixture
def page(browser, page_file):
    """The open page. It must raise no error and request no other file."""
    from playwright import sync_api

    tab, troubles = browser.new_page(viewport={"width": 1100, "height": 700}), []
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("request", lambda request: troubles.append(request.url) if not request.url.startswith("data:") else None)
    tab.goto(page_file.as_uri())
    sync_api.expect(tab.locator("#stimulus1 img")).to_have_count(9)
    tab.evaluate(
        "Promise.all([...document.images].map((one) => one.decode()))"
    )  # wait_for_function needs eval, which the page's policy forbids
    yield tab
    assert troubles == [page_file.as_uri()]
    tab.close()
