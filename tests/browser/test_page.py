"""The page in a real browser: hostile text does nothing, and it can be read on any screen."""

import re

import pytest

from tests.browser.driver import choose, elements, open_page, see, unfold, unfold_all, until
from tests.fixtures import made_up_study


def test_hostile_text_is_shown_as_text(page):
    unfold(page)
    for index, text in enumerate(made_up_study.HOSTILE[:2]):
        choose(page, "q", f"sst5-{index}")
        words = page.execute_script("return document.querySelector('#list .line .words').textContent")
        assert words == text
        assert not elements(page, "#list script, #list img")


@pytest.mark.parametrize(
    "hash_", ["#sentences?task=nope&sort=%E0%A4%A&show=x", "#sentences?q=%3Cscript%3E", "#verdict"]
)
def test_strange_links_are_harmless(page, address, hash_):
    open_page(page, address + hash_)
    unfold(page)


_CONTRAST = """
const parse = (text) => { const n = text.match(/[\\d.]+/g); return [...n, 1].slice(0, 4).map(Number); };
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
const linear = (x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
const light = (c) => 0.2126 * linear(c[0] / 255) + 0.7152 * linear(c[1] / 255) + 0.0722 * linear(c[2] / 255);
const element = document.querySelector(arguments[0]);
const layers = [];
for (let e = element; e; e = e.parentElement) layers.unshift(parse(getComputedStyle(e).backgroundColor));
const ground = layers.reduce((below, layer) => over(layer, below), [255, 255, 255]);
const pair = [light(over(parse(getComputedStyle(element).color), ground)), light(ground)];
return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
"""
_READ = (
    "body",
    ".intro",
    "td.paper",
    ".note",
    "#cases .who",
    ".drawing svg",
    ".verdict.drift",
    "figure svg",
    "td small",
    ".gated td",
    "td.judged.drift small",
    "td.judged.no-drift small",
    ".pos.l9",
    ".neg.l9",
    "#list .difference",
    ".legend .less.l9",
    ".legend .more.l9",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colour_schemes_are_readable(page, scheme):
    unfold_all(page)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    low = {selector: page.execute_script(_CONTRAST, selector) for selector in _READ}
    assert {selector: ratio for selector, ratio in low.items() if ratio < 4.5} == {}
    ground = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 150) == (scheme == "dark")


def test_narrow_screen_needs_no_sideways_scrolling(page):
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        until(page, lambda page: page.execute_script("return window.innerWidth") == 400)
        assert page.execute_script("return document.documentElement.scrollWidth") <= 400
        assert all(figure.size["width"] <= 400 for figure in elements(page, "figure"))
        # What is wider scrolls in a frame of its own, which the keyboard reaches.
        frames = elements(page, ".scroll, .drawing")
        assert frames and all(frame.get_attribute("tabindex") == "0" for frame in frames)
        shown = [frame for frame in frames if frame.is_displayed()]
        assert all(frame.rect["x"] + frame.rect["width"] <= 400 for frame in shown)
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_without_scripts_a_note_says_so(page, address):
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.get(address)
        assert page.find_element("css selector", "noscript p").is_displayed()
        assert page.find_element("id", "table-verdict").is_displayed()
        assert page.find_element("css selector", "#three .card .w.pos").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        page.get(address)


def test_labels_of_figures_do_not_leave_them(page):
    outside = page.execute_script(
        "return [...document.querySelectorAll('figure svg, .drawing svg')].flatMap((svg) => {"
        "  const frame = svg.getBoundingClientRect();"
        "  return [...svg.querySelectorAll('text')].filter((text) => {"
        "    const box = text.getBoundingClientRect();"
        "    return box.width && (box.left < frame.left - 2 || box.right > frame.right + 2);"
        "  }).map((text) => `${svg.getAttribute('aria-label')}: ${text.textContent}`);"
        "})"
    )
    assert outside == []


def test_every_exhibit_has_its_place_and_its_files(page):
    see(page, page.find_element("css selector", 'nav a[href="#published"]')).click()
    until(page, lambda page: elements(page, ".exhibit"))
    shown = elements(page, ".exhibit")
    assert len(shown) == 14 and all(exhibit.is_displayed() for exhibit in shown)
    # Below the contents, which stay at the top.
    top = "return document.getElementById('published').getBoundingClientRect().top"
    until(page, lambda page: 0 <= page.execute_script(top) <= 60)


def test_nothing_is_requested(page):
    loaded = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []
