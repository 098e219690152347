"""The page in Chromium: it fits, loads nothing, logs nothing, and prints."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from test_page import SVG, broken, data, drawn, make  # noqa: F401

from bayes_alliance.report.page import page as write

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
OVERFLOW = """() => [...document.querySelectorAll("body *")]
  .filter(e => !e.closest(".scroll") && !e.closest(".skip"))
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(e => e.outerHTML.slice(0, 80))"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH")


@dataclass
class Seen:
    """A page, and what the browser said and asked for while it was open."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def report(data, drawn, tmp_path_factory) -> Path:  # noqa: F811
    """A report with a failed fit and every section."""
    results = make(data)
    broken(results, "prospect")
    wide = SVG.replace("0 0 4 3", "0 0 900 600")
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(write(results, drawn, dict.fromkeys(drawn, wide)), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, report: Path):
    """Open the report in a window of some size."""
    contexts = []

    def at(size: dict[str, int], **options) -> Seen:
        context = browser.new_context(viewport=size, **options)
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.page.on("console", lambda m: seen.said.append(m.text))
        seen.page.on("pageerror", lambda e: seen.said.append(str(e)))
        seen.page.on("request", lambda r: seen.asked.append(r.url))
        seen.page.goto(report.as_uri())
        return seen

    yield at
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_it_fits_and_says_and_loads_nothing(opened, report, size, scheme):
    seen = opened(size, color_scheme=scheme)
    assert seen.page.evaluate(OVERFLOW) == [], "something sticks out of the window"
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert seen.page.evaluate(width) == 0
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith("data:")] == [report.as_uri()]


def test_every_figure_loads_and_says_what_it_shows(opened, drawn):  # noqa: F811
    seen = opened(DESK)
    loaded = "imgs => imgs.map(i => [i.complete && i.naturalWidth > 0, i.alt])"
    found = seen.page.eval_on_selector_all("img", loaded)
    assert len(found) == len(drawn)
    assert all(whole and alt for whole, alt in found), found


def test_the_keyboard_reaches_the_text_and_every_wide_table(opened):
    page = opened(PHONE).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#asked")
    wide = page.eval_on_selector_all(
        ".scroll", "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.tabIndex)"
    )
    assert wide and set(wide) == {0}


def test_links_of_the_contents_lead_somewhere(opened):
    page = opened(DESK).page
    links = page.eval_on_selector_all("nav a", "all => all.map(a => a.getAttribute('href'))")
    assert len(links) > 5
    for link in links:
        assert page.locator(link).is_visible(), link


def test_it_prints(opened):
    """On paper nothing scrolls, sticks out or stays folded."""
    page = opened({"width": 688, "height": 970}).page  # A4 less its margins, in CSS pixels
    page.emulate_media(media="print")
    assert page.evaluate(OVERFLOW) == []
    cut = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"
    assert page.eval_on_selector_all(".scroll", cut) == []
    folded = "all => all.map(e => e.lastElementChild.getBoundingClientRect().height)"
    assert all(height > 0 for height in page.eval_on_selector_all("details", folded))
    assert page.pdf(format="A4", prefer_css_page_size=True).startswith(b"%PDF")
