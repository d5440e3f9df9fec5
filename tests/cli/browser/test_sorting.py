"""Sorting, searching and filtering on the page of ``saliency report`` in a browser."""

import json

import pytest

from tests.cli.browser.page_elements import current, order
from tests.cli.report_page import read

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.needs("torch")


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


def test_rows_are_sorted_by_a_metric_of_a_method(page, page_file):
    names, metrics = read(page_file).names, read(page_file).numbers("metrics")
    page.get_by_label("Sort by").select_option(label="complexity of gradcam for channel 8 (digit 7), high to low")
    for which in (0, 1):
        by_metric = sorted(range(39), key=lambda i: -metrics[i][1][1][1][which])
        assert order(page) == [names[i] for i in by_metric] + ["none.png"]
        shown = page.locator(".block .row").first.locator(".metrics p").nth(7)
        assert shown.inner_text() == f"complexity {metrics[by_metric[0]][1][1][1][which]}"
        page.get_by_label("Smoothed").check()
    expect(page.locator(".block .row").first.locator("img")).to_have_count(9)
    assert page.locator(".block .row").first.evaluate(
        "row => row.querySelector('.channel').offsetTop >= 0 && row.querySelector('.channel').offsetHeight <= row.clientHeight"
    )


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
