"""Measure a long report in Chromium: ``python -m benchmarks.report_page [--rows N] [--picture FILE]``; needs playwright."""

from __future__ import annotations

import argparse
import io
import itertools
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import saliency.demo
from saliency.cli.main import main as saliency_command
from saliency.cli.report.run import ROWS_PER_BLOCK

SCENES = Path(saliency.demo.__file__).parent / "scenes.stim.csv"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
VIEWPORT = {"width": 840, "height": 720}
FRAME_TIMES = """async (step) => {
  const times = [];
  for (let last = await new Promise(requestAnimationFrame); times.length < 200; ) {
    window.scrollBy(0, step);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}"""
IMAGES_LOADED = """() => {
  const row = document.elementFromPoint(50, window.innerHeight - 40)?.closest(".row");
  const images = [...(row?.querySelectorAll("img") ?? [])];
  return images.length && images.every((one) => one.complete && one.src);
}"""
SORT = """() => {
  const start = performance.now();
  document.getElementById("reverse").click();
  document.body.offsetHeight;
  return performance.now() - start;
}"""


def make_report(folder: Path) -> Path:
    """Write a report of the bundled scenes: three maps of one channel, plain and smoothed."""
    out = folder / "scenes.html"
    options = ["-net", "DemoNet", "-layer", "fc1", "-chn", "8", "-meth", "guided", "gradcam", "ig", "-smooth", "10"]
    saliency_command(["report", *options, "-stim", str(SCENES), "-out", str(out)])
    return out


def repeat_rows(page: Path, n: int) -> Path:
    """Write a copy of a report with its blocks of 16 rows repeated up to at least n rows."""
    head, start, rest = page.read_text(encoding="utf-8").partition('<div class="block">')
    rows, end, tail = rest.partition("</div>\n<template")
    parts = re.split(r'(?=<div class="block">)', start + rows)
    blocks = [part for part in parts if part.count('role="listitem"') == ROWS_PER_BLOCK]
    number = itertools.count(1)
    out = page.with_name(f"{n}.html")
    with out.open("w", encoding="utf-8") as file:
        file.write(head)
        for block in itertools.islice(itertools.cycle(blocks), -(-n // ROWS_PER_BLOCK)):
            file.write(re.sub(r'(?<=id="stimulus)\d+', lambda _: str(next(number)), block))
        file.write(end + tail)
    return out


@contextmanager
def open_in_chromium(page: Path) -> Iterator[Any]:
    """Open a local page in Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        tab = browser.new_page(viewport=VIEWPORT, bypass_csp=True)  # waiting for a function needs eval
        tab.set_default_timeout(120_000)
        tab.goto(page.as_uri())
        yield tab
        browser.close()


def measure(page: Path) -> None:
    """Print the times to open, scroll and sort a report, and the memory of its page."""
    print(f"file: {page.stat().st_size / 2**20:.0f} MiB")
    start = time.perf_counter()
    with open_in_chromium(page) as tab:
        tab.wait_for_function(IMAGES_LOADED)
        print(f"open, with the images of the first rows: {time.perf_counter() - start:.1f} s, including the browser's start")
        for name, step in (("half a row", 80), ("three rows", 500)):
            times = np.array(tab.evaluate(FRAME_TIMES, step))
            quantiles = [np.quantile(times, q) for q in (0.5, 0.95, 1)]
            print(f"scroll by {name} per frame: median {{:.0f}} ms, 95 % {{:.0f}} ms, longest {{:.0f}} ms".format(*quantiles))
        start = time.perf_counter()
        tab.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        tab.wait_for_function(IMAGES_LOADED)
        print(f"go to the last row, with its images: {time.perf_counter() - start:.2f} s")
        tab.select_option("#sort", "agreement 0")
        print(f"sort: {tab.evaluate(SORT) / 1000:.2f} s; images in the page: {tab.locator('img').count()}")
        print(f"memory of the page: {_page_memory() / 2**20:.0f} MiB")


def _page_memory() -> int:
    """Return the memory of Chromium's largest process, the one with the page, in bytes."""
    sizes = [0]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:  # the process has ended
            continue
        if "chrom" in text.partition("\n")[0]:
            sizes += [1024 * int(kib) for kib in re.findall(r"VmRSS:\s+(\d+)", text)]
    return max(sizes)


def save_screenshot(page: Path, file: Path) -> None:
    """Save the documentation's screenshot: rows sorted, maps blended with their stimuli."""
    with open_in_chromium(page) as tab:
        tab.select_option("#sort", "scores 0")
        tab.locator("#opacity").fill("75")
        tab.locator("#smoothed").check()
        tab.wait_for_function(IMAGES_LOADED)
        with Image.open(io.BytesIO(tab.screenshot())) as image:
            image.convert("RGB").save(file, quality=85)


def main() -> None:
    """Write a report, and measure it or save a screenshot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report_page", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="minimum number of rows (default: 10000)")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="only save a screenshot of the report of the scenes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page = make_report(Path(folder))
        if options.picture is not None:
            save_screenshot(page, options.picture)
        else:
            measure(repeat_rows(page, options.rows))


if __name__ == "__main__":
    main()
