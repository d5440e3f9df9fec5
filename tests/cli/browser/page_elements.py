"""What tests read from the open page."""

HOSTILE = "<img src=x onerror=document.title=1>.png"
"""The name of a stimulus, which the page must show as text."""


def order(page):
    return page.locator("bdi").all_text_contents()


def current(page):
    assert page.locator("[aria-current]").count() == 1
    return page.locator("[aria-current] bdi").text_content()
