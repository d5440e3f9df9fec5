"""The page of ``saliency report`` in Chromium, if Chromium and playwright are installed."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saliency.cli.main import main
from tests.cli.report_page import read
from tests.cli.saliency_command import BUNDLED, DEMO, table

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.needs("torch"), pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")]

LABELS = [*range(10), 2, 5, 7, 8, 7, 1, 9, 3]  # of the first 18 scenes; that of the 15th and 17th is the second digit
HOSTILE = "<img src=x onerror=document.title=1>.png"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
CONTRAST = """(element) => {
  const light = (color) => {
    const [r, g, b] = color.match(/\\d+/g).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [getComputedStyle(element).color, getComputedStyle(document.body).backgroundColor].map(light);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


@pytest.fixture(scope="module")
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
    options = ["-meth", "guided", "gradcam", "-smooth", "2"]

    assert main(["report", *BUNDLED, *options, "-stim", str(stim), "-out", str(out)]) == 1
    return out


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@pytest.fixture
def page(browser, page_file):
    """The open page. It must raise no error and request no other file."""
    tab, troubles = browser.new_page(viewport={"width": 1100, "height": 700}), []
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("request", lambda request: troubles.append(request.url) if not request.url.startswith("data:") else None)
    tab.goto(page_file.as_uri())
    expect(tab.locator("#stimulus1 img")).to_have_count(9)
    tab.evaluate(
        "Promise.all([...document.images].map((one) => one.decode()))"
    )  # wait_for_function needs eval, which the page's policy forbids
    yield tab
    assert troubles == [page_file.as_uri()]
    tab.close()


def pixels(place):
    with Image.open(io.BytesIO(place.screenshot())) as shot:
        return np.asarray(shot.convert("RGB"), float)


def order(page):
    return page.locator("bdi").all_text_contents()


def current(page):
    assert page.locator("[aria-current]").count() == 1
    return page.locator("[aria-current] bdi").text_content()


def test_only_rows_near_the_screen_have_images(page):
    assert page.locator(".row[role=listitem]").count() == 40
    assert page.evaluate("[...document.images].every((one) => one.naturalWidth === 128 && one.alt + one.className)")
    assert page.get_by_alt_text("map of guided for channel 8 (digit 7) of scene_01.png").count() == 1
    assert page.get_by_alt_text("the stimulus scene_01.png").count() == 1
    assert page.locator("#stimulus38 img").count() == 0
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("#stimulus38 img")).to_have_count(9)
    expect(page.locator("#stimulus1 img")).to_have_count(0)
    assert page.locator("#stimulus40 .failure").text_content() == "MISSING: does not exist"
    assert page.title() == "Saliency of DemoNet, fc1" and HOSTILE in order(page)


def test_the_slider_sets_the_opacity_of_the_map(page):
    slider, cell = page.get_by_role("slider", name="Map"), page.locator("#stimulus4 figure").first
    page.get_by_label("Dim low scores").uncheck()
    shots = {}
    for percent in ("0", "100", "50"):
        slider.fill(percent)
        shots[percent] = pixels(cell)
        assert page.locator("#percent").text_content() == f"{percent}%"
        opacity = page.locator("#stimulus4 .map").first.evaluate("map => getComputedStyle(map).opacity")
        assert float(opacity) == int(percent) / 100
    assert np.abs(shots["0"] - pixels(page.locator("#stimulus4 .stimulus img"))).mean() < 1
    assert np.abs(shots["0"] - shots["100"]).mean() > 20
    assert np.abs((shots["0"] + shots["100"]) / 2 - shots["50"]).mean() < 1


def test_plain_and_smoothed(page):
    first = page.locator("#stimulus1 .map").first
    plain, caption = first.get_attribute("src"), page.locator("#stimulus1 .channel > p").first
    before = caption.inner_text()
    page.get_by_label("Smoothed").check()
    assert first.get_attribute("src") != plain
    assert first.get_attribute("alt") == "smoothed map of guided for channel 4 (digit 3) of scene_00.png"
    assert caption.inner_text() != before and "agreement" in before
    page.keyboard.press("s")
    assert first.get_attribute("src") == plain and caption.inner_text() == before


def test_rows_are_sorted_by_number_and_rows_without_numbers_come_last(page, page_file):
    names, scores, agreements = (lambda p: (p.names, p.numbers("scores"), p.numbers("agreement")))(read(page_file))
    by_score = sorted(range(39), key=lambda i: -scores[i][1])
    page.get_by_label("Sort by").select_option(label="score of channel 8 (digit 7), high to low")
    assert order(page) == [names[i] for i in by_score] + ["none.png"]
    page.get_by_role("button", name="Reverse").click()
    assert order(page) == [names[i] for i in sorted(range(39), key=lambda i: scores[i][1])] + ["none.png"]
    page.get_by_role("button", name="Reverse").click()
    page.get_by_label("Sort by").select_option(label="agreement on channel 4 (digit 3), high to low")
    for which in (0, 1):
        assert order(page) == [names[i] for i in sorted(range(39), key=lambda i: -agreements[i][0][which])] + ["none.png"]
        page.get_by_label("Smoothed").check()
    page.get_by_label("Sort by").select_option("file")
    assert order(page) == names
    assert page.locator("#rows > .block").evaluate_all("blocks => blocks.map((one) => one.children.length)") == [16, 16, 8]


def test_maps_of_low_scores_are_dimmed(page, page_file):
    rows = [json.loads(one[1]["data-classes"]) for one in read(page_file).all("div", class_="row", role="listitem")]
    scores = read(page_file).numbers("scores")

    def opacities(i):
        maps = page.locator(f"#stimulus{i + 1} .map").all()
        return [float(one.evaluate("map => getComputedStyle(map).opacity")) for one in maps]

    for i in range(3):  # two maps of channel 4, then two of channel 8
        shares = [max(0.25, min(1, score / rows[i]["score"])) for score in scores[i]]
        np.testing.assert_allclose(opacities(i), 0.6 * np.repeat(shares, 2), rtol=1e-4)
    assert max(scores[3]) == rows[3]["score"] and opacities(3)[:2] == [0.6, 0.6] and max(opacities(3)[2:]) < 0.6
    page.keyboard.press("d")
    assert opacities(3) == [0.6] * 4 and not page.get_by_label("Dim low scores").is_checked()


def test_rows_are_searched_and_filtered(page, page_file):
    names = read(page_file).names
    rows = [json.loads(one[1]["data-classes"]) for one in read(page_file).all("div", class_="row", role="listitem")]
    wrong = [name for name, row in zip(names, rows, strict=True) if row["wrong"]]
    assert 0 < len(wrong) < 16
    show, search, place = page.get_by_label("Show"), page.get_by_label("Search"), page.locator("#place")
    show.select_option("wrong")
    assert order(page) == wrong and place.text_content() == f"row 1 of {len(wrong)} (40 in all)"
    assert current(page) == wrong[0] and page.locator(f"text={wrong[0]}").count() == 1
    show.select_option("failed")
    assert order(page) == ["none.png"]
    show.select_option("right")
    assert order(page) == [name for name, row in zip(names, rows, strict=True) if row["wrong"] is False]
    show.select_option("all")
    page.keyboard.press("Escape")
    search.fill("DIGIT 7")
    assert order(page) == [
        name for name, row in zip(names, rows, strict=True) if "digit 7" in (row["label"], row["prediction"])
    ]
    search.fill("scene_1")
    page.get_by_label("Sort by").select_option("prediction")
    page.get_by_role("button", name="Reverse").click()
    found = [(row["prediction"], name) for name, row in zip(names, rows, strict=True) if name.startswith("scene_1")]
    assert [page.locator(".class b").all_text_contents()[1::2]] == [sorted((one for one, _ in found), reverse=True)]
    search.fill("no such image")
    assert order(page) == [] and place.text_content() == "0 of 40 rows" and page.get_by_text("No row matches.").is_visible()
    search.press("j")  # a letter of the text
    assert search.input_value() == "no such imagej"
    search.fill("")
    assert len(order(page)) == 40 and not page.get_by_text("No row matches.").is_visible()
    page.locator("#stimulus1").focus()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"


def test_keyboard_shortcuts(page):
    assert current(page) == "scene_00.png"
    for key, name in (("j", 1), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0), ("k", 0), ("j", 1)):
        page.keyboard.press(key)
        assert current(page) == f"scene_{name:02d}.png"
    assert page.evaluate("document.activeElement.id") == "stimulus2"
    for _ in range(12):
        page.keyboard.press("j")
    expect(page.locator("#stimulus14 img")).to_have_count(9)
    top, bottom = page.locator("#stimulus14").evaluate(
        "row => [row.getBoundingClientRect().top, row.getBoundingClientRect().bottom]"
    )
    assert page.locator("#top").bounding_box()["height"] - 1 <= top and bottom <= 701
    page.keyboard.press("ArrowRight")
    assert page.locator("#percent").text_content() == "65%"
    page.keyboard.press("r")
    assert current(page) == "none.png" == order(page)[0]
    page.keyboard.press("Control+j")
    page.get_by_label("Sort by").focus()
    page.keyboard.press("k")
    assert current(page) == "none.png"
    page.get_by_text("Keyboard shortcuts", exact=True).click()
    page.get_by_label("enable keyboard shortcuts").uncheck()
    page.locator("#stimulus40").focus()
    page.keyboard.press("j")
    assert current(page) == "none.png"


def test_after_scrolling_keys_move_from_the_first_visible_row(page):
    page.evaluate("window.scrollTo(0, 3000)")
    expect(page.locator("#stimulus20 img")).to_have_count(9)
    page.keyboard.press("j")
    top = page.locator("[aria-current]").evaluate("row => row.getBoundingClientRect().top")
    assert 0 < top < 400


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_and_controls_have_labels(page, scheme):
    page.emulate_media(color_scheme=scheme)
    for what in ("h1", "summary", "header .failure", "#place", "bdi", ".channel > p", ".ends", ".class", ".class.failure"):
        assert page.locator(what).first.evaluate(CONTRAST) >= 4.5, what
    assert page.evaluate("[...document.querySelectorAll('input, select')].every((one) => one.labels.length === 1)")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_screenshot_shows_the_images(page, tmp_path):
    page.get_by_role("slider", name="Map").fill("100")
    page.get_by_label("Dim low scores").uncheck()
    page.screenshot(path=tmp_path / "shot.png")
    box = page.locator("#stimulus2 figure").first.bounding_box()
    with Image.open(tmp_path / "shot.png") as shot:
        assert shot.size == (1100, 700)
        cell = shot.convert("RGB").crop([int(box[k]) for k in ("x", "y")] + [int(box["x"] + 128), int(box["y"] + 128)])
    assert len(cell.getcolors(128 * 128)) > 500
    gray = cell.getpixel((2, 2))
    assert max(gray) - min(gray) < 12 and 200 < gray[0] < 240  # the middle of the scale, where the map is zero
