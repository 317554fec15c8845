"""The page's summary: a decision, a slider that judges again, and details that come when they are opened."""

import shutil
from pathlib import Path
from urllib.parse import urlparse

import pytest

from distillens import tables
from distillens.metrics.verdict import decide, overall
from distillens.report import html
from distillens.report import rows as rows_as_data
from tests.browser.driver import elements, open_page, until
from tests.fixtures import made_up_study

keys = pytest.importorskip("selenium.webdriver.common.keys", reason="selenium is not installed").Keys

_SHORT, _LIGHT = 6_000, 20_000


def size(page, width, height=900):
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    until(page, lambda page: page.execute_script("return window.innerWidth") == width)


@pytest.fixture
def wide(page):
    size(page, 1400)
    yield page
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def judged(page):
    """The words of the decisions, and those of the verdict table with those of its cells."""
    students = {
        line.find_element("css selector", ".said b").text: line.find_element("css selector", ".verdict").text
        for line in elements(page, ".decision")
    }
    rows = [
        [row.find_element("css selector", "td.verdict").text]
        + [cell.text for cell in row.find_elements("css selector", "td.judged .unit")]
        for row in elements(page, "#table-verdict tbody tr")
    ]
    return students, rows


def expected(address, place):
    """The same as Python decides with the p-values of one of the tolerances."""
    drift = Path(urlparse(address).path).parent / "in" / "drift.parquet"
    rows = [row | {"k": None} for row in tables.read(drift, "drift").to_pylist()]
    at = [{name: row[f"{name}_at"][place] for name in ("p_drift", "p_no_drift")} for row in rows]
    decided = decide([row | p for row, p in zip(rows, at, strict=True)], 0.95, ["random"])
    counted = [row for row in decided if row["explainer"] != "random"]
    of = {}
    for row in counted:
        of.setdefault((row["task"], row["student"]), []).append(row)
    students = {name: [row for row in counted if row["student"] == name] for _, name in of}
    words = {name: overall(own).capitalize() for name, own in students.items()}
    return words, [[overall(own), *(row["verdict"] for row in own)] for own in of.values()]


def test_the_slider_gives_the_verdicts_that_python_gives(page, address):
    slider = page.find_element("id", "share")
    own = int(slider.get_attribute("value"))
    slider.send_keys(keys.HOME)
    seen = []
    for place in range(int(slider.get_attribute("max")) + 1):
        words, rows = judged(page)
        assert (words, sorted(rows)) == (lambda w, r: (w, sorted(r)))(*expected(address, place)), place
        seen.append(tuple(words.values()))
        slider.send_keys(keys.ARROW_RIGHT)
    assert len(set(seen)) > 2, "verdicts of these texts hang on the tolerance"
    said = page.find_element("css selector", "#tolerance output").text
    assert said.startswith("10 % of C − Z") and "of 3 verdicts change" in said
    page.find_element("css selector", "#tolerance button").click()
    assert int(slider.get_attribute("value")) == own
    assert judged(page)[0] == expected(address, own)[0]
    assert page.find_element("css selector", "#tolerance output").text.endswith("the study’s own")


def test_the_slider_judges_rows_that_are_drawn_later_and_cells_that_show_no_drift(
    chromium, tmp_path, monkeypatch
):
    resources = tmp_path / "page"
    shutil.copytree(html._RESOURCES, resources)
    script = resources / "scripts" / "tables.js"
    script.write_text(script.read_text("utf-8").replace("ROWS = 50", "ROWS = 4"), "utf-8")
    monkeypatch.setattr(html, "_RESOURCES", resources)
    monkeypatch.setattr(rows_as_data, "DRAWN", 4)
    settings = made_up_study.study(explainers=("shap", "lime", "random"), perturbations=())
    settings |= {"published": None, "probes": {}}
    made = made_up_study.write(tmp_path / "in", settings, examples=16)
    rows = tables.read(made["drift"], "drift").to_pylist()
    alone = next(row for row in rows if (row["student"], row["explainer"]) == ("half", "lime"))
    alone["drift"] = None
    tables.write(made["drift"], "drift", rows, {"tolerance": 0.05})
    made_up_study.report(made, tmp_path / "index.html")
    address = (tmp_path / "index.html").as_uri()
    open_page(chromium, address)
    slider = chromium.find_element("id", "share")
    slider.send_keys(keys.HOME)
    seen = set()
    for place in range(int(slider.get_attribute("max")) + 1):
        before, after = elements(chromium, "#verdict .pages button")
        rows = judged(chromium)[1]
        after.send_keys(keys.ENTER)
        rows += judged(chromium)[1]
        before.send_keys(keys.ENTER)
        students, of = expected(address, place)
        assert judged(chromium)[0] == students and rows == of, place
        seen.add(str(rows))
        slider.send_keys(keys.ARROW_RIGHT)
    assert len(seen) > 1
    assert chromium.get_log("browser") == []


def test_a_cell_that_nothing_judges_does_not_stop_the_slider(page):
    page.execute_script("document.querySelector('#table-verdict td.judged .unit').remove()")
    slider = page.find_element("id", "share")
    slider.send_keys(keys.HOME)
    assert page.find_element("css selector", "#tolerance output").text.startswith("2 % of C − Z")


def test_the_page_is_short_and_light_until_something_is_opened(wide):
    assert wide.execute_script("return document.documentElement.scrollHeight") <= _SHORT
    assert wide.execute_script("return document.querySelectorAll('*').length") < _LIGHT
    assert not elements(wide, "#agreement table") and not elements(wide, "#agreement svg")


@pytest.mark.parametrize("how", ["mouse", "keyboard", "contents", "link"])
def test_a_section_is_filled_when_it_is_opened(wide, address, how):
    summary = wide.find_element("css selector", "#agreement > details > summary")
    if how == "mouse":
        wide.execute_script("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", summary)
        summary.click()
    elif how == "keyboard":
        summary.send_keys(keys.ENTER)
    elif how == "contents":
        wide.find_element("css selector", 'nav a[href="#agreement"]').send_keys(keys.ENTER)
    else:
        wide.execute_script("location.hash = '#figure-agreement-sst5'")
        until(wide, lambda page: elements(page, "#figure-agreement-sst5"))
    until(wide, lambda page: elements(page, "#table-headline-sst5 tbody tr"))
    assert wide.find_element("id", "table-headline-sst5").is_displayed()
    assert wide.find_element("id", "figure-agreement-sst5").is_displayed()
    # What is folded inside it still is, and its tables work.
    assert not elements(wide, "#table-agreement-sst5 tbody tr")
    head = wide.find_element("css selector", "#table-headline-sst5 thead button")
    head.send_keys(keys.ENTER)
    assert elements(wide, "#table-headline-sst5 [aria-sort=ascending]")


def test_on_a_phone_the_student_stays_in_sight_while_its_verdicts_are_scrolled(wide):
    size(wide, 400)
    wide.execute_script("document.querySelector('#verdict .scroll').scrollLeft = 1000")
    student, gap = elements(wide, "#table-verdict tbody tr:first-child > *")[1:4:2]
    left = "return arguments[0].getBoundingClientRect().left"
    assert student.text == "soft" and 0 <= wide.execute_script(left, student) < 40
    assert wide.execute_script(left, gap) < 0


def test_a_link_to_what_is_folded_twice_opens_both(wide):
    wide.execute_script("location.hash = '#table-agreement-sst5'")
    until(wide, lambda page: elements(page, "#table-agreement-sst5 tbody tr"))
    assert wide.find_element("id", "table-agreement-sst5").is_displayed()


def test_the_contents_stay_in_sight_and_a_link_lands_below_them(wide):
    contents = wide.find_element("css selector", "nav")
    wide.find_element("css selector", 'nav a[href="#three"]').click()
    places = "const top = (e) => e.getBoundingClientRect().top; return [...arguments].map(top)"
    section = wide.find_element("id", "three")
    until(wide, lambda page: 0 < page.execute_script(places, section)[0] < 80)
    assert wide.execute_script(places, contents) == [0]


def test_print_has_everything_and_cuts_nothing(wide):
    before = len(elements(wide, "details[open]"))
    wide.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    try:
        assert not elements(wide, "details:not([open])") and not elements(wide, "details > template")
        assert len(elements(wide, "#list .card")) == 60
        wide.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        size(wide, 688)  # what A4 leaves between its margins
        cut = wide.execute_script(
            "return [...document.querySelectorAll('.scroll')]"
            ".filter((frame) => frame.scrollWidth > frame.clientWidth + 1)"
            ".map((frame) => [frame.getAttribute('aria-label'), frame.scrollWidth])"
        )
        assert cut == []
        rows = wide.execute_script(
            "const body = (data) => document.getElementById(data.id.replace('cells-', 'table-')).tBodies[0];"
            "return [...document.querySelectorAll('script[data-rows]')]"
            ".filter((data) => Number(data.dataset.rows) !== body(data).rows.length).length"
        )
        assert rows == 0
    finally:
        wide.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        wide.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert len(elements(wide, "details[open]")) == before


def test_every_class_has_its_scores_its_confusion_and_its_agreement(wide):
    wide.find_element("css selector", 'nav a[href="#classes"]').send_keys(keys.ENTER)
    until(wide, lambda page: elements(page, "#table-classes-sst5 tbody tr"))
    assert len(elements(wide, "#table-classes-sst5 tbody tr")) == 5
    assert len(elements(wide, "#table-classes-agreement-sst5 tbody tr")) == 5
    confusion = wide.find_element("css selector", "#classes details details summary")
    assert "takes for what" in confusion.text
    confusion.send_keys(keys.ENTER)
    until(wide, lambda page: elements(page, "#table-confusion-sst5-teacher tbody tr"))
    assert not elements(wide, "#table-classes-stsb"), "a regression has no classes"
