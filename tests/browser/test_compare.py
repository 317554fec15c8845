"""The page of several studies in a real browser."""

import pytest

from distillens.report import history
from tests.browser.driver import elements
from tests.unit.report.test_history import studies

keys = pytest.importorskip("selenium.webdriver.common.keys", reason="selenium is not installed").Keys


def test_changes_come_first_and_the_table_sorts_by_keyboard(chromium, tmp_path):
    (tmp_path / "compare.html").write_text(history.page(studies()), "utf-8")
    chromium.get((tmp_path / "compare.html").as_uri())
    said = [line.text for line in elements(chromium, ".decision")]
    assert said[0].startswith("tiny on films: ") and said[0].count("→") == 2
    rows = elements(chromium, "#table-agreement tbody tr")
    assert len(rows) == 2 and elements(chromium, "#table-agreement td.told")
    elements(chromium, "#table-agreement thead button")[1].send_keys(keys.ENTER)
    first = elements(chromium, "#table-agreement tbody tr th:nth-child(2)")[0]
    assert first.text == "new"
    assert chromium.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert chromium.execute_script("return window.violations") == []
    assert chromium.get_log("browser") == []
