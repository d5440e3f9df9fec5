"""The images on the page of ``saliency report`` in a browser."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.cli.browser.page_elements import HOSTILE, order
from tests.cli.report_page import read

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.needs("torch")


def pixels(place):
    with Image.open(io.BytesIO(place.screenshot())) as shot:
        return np.asarray(shot.convert("RGB"), float)


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
