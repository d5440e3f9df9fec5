"""The keyboard, contrast and labels on the page of ``saliency report`` in a browser."""

import pytest

from tests.cli.browser.page_elements import current, order

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.needs("torch")
CONTRAST = """(element) => {
  const light = (color) => {
    const [r, g, b] = color.match(/\\d+/g).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [getComputedStyle(element).color, getComputedStyle(document.body).backgroundColor].map(light);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


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
    page.locator("#stimulus20").evaluate("row => row.scrollIntoView()")
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
