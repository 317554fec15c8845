"""Tables in a real browser: sorted as data, and of a long one a page at a time."""

import pytest

from tests.browser.driver import elements, follow, see, until

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

_LONG = "words-sst5"


def opened(page, name):
    """Open what a table is folded in."""
    follow(page, f"table-{name}")
    until(page, lambda page: column(page, name, 0))


def column(page, name, place):
    """The texts of a column, without the notes below them."""
    return page.execute_script(
        "return [...document.querySelectorAll(`#table-${arguments[0]} tbody tr`)]"
        ".map((row) => row.cells[arguments[1]].firstChild.textContent)",
        name,
        place,
    )


def exact(page, name, place):
    """The exact numbers of a column; None where there is none."""
    return page.execute_script(
        "return [...document.querySelectorAll(`#table-${arguments[0]} tbody tr`)]"
        ".map((row) => row.cells[arguments[1]].querySelector('data'))"
        ".map((data) => data && Number(data.value))",
        name,
        place,
    )


def head(page, name, place):
    """The button that sorts by a column."""
    return see(page, elements(page, f"#table-{name} thead button")[place])


def part(page, selector):
    """What stands above the long table, to turn its pages."""
    return see(page, page.find_element("css selector", f".pages:has(+ .scroll #table-{_LONG}) {selector}"))


def test_a_table_is_sorted_up_down_and_as_it_was(page):
    given = exact(page, "verdict", 3)
    assert len(set(given)) > 1
    for order in (sorted(given), sorted(given, reverse=True), given):
        head(page, "verdict", 3).click()
        assert exact(page, "verdict", 3) == order


def test_what_is_missing_stands_last_either_way_round(page):
    opened(page, "explainers-of-sst5")
    heads = [button.text for button in elements(page, "#table-explainers-of-sst5 thead button")]
    for place in range(2, len(heads)):
        for turn in (1, -1):
            head(page, "explainers-of-sst5", place).click()
            found = exact(page, "explainers-of-sst5", place)
            known = [value for value in found if value is not None]
            assert known == sorted(known)[::turn] and found[: len(known)] == known


def test_a_folded_table_has_no_rows_before_it_is_opened(page):
    assert column(page, "robustness-sst5", 0) == []
    opened(page, "robustness-sst5")
    assert len(column(page, "robustness-sst5", 0)) == 6 * 8


def test_a_long_table_is_drawn_a_page_at_a_time_and_sorted_as_a_whole(page):
    opened(page, _LONG)
    first = column(page, _LONG, 0)
    said = part(page, "[role=status]").text
    total = int(said.rpartition(" ")[2])
    assert len(first) == 50 < total and said == f"rows 1 to 50 of {total}"
    seen = column(page, _LONG, 0)
    while part(page, "button:last-of-type").is_enabled():
        part(page, "button:last-of-type").click()
        assert len(elements(page, f"#table-{_LONG} tbody tr")) <= 50
        seen += column(page, _LONG, 0)
    assert len(seen) == total
    # By all rows, not by those that were drawn.
    cells = f"return JSON.parse(document.getElementById('cells-{_LONG}').textContent).rows"
    numbers = [row[3][1] for row in page.execute_script(cells)]
    assert max(numbers) not in exact(page, _LONG, 3) and len(set(numbers)) > 50
    for _ in range(2):
        head(page, _LONG, 3).click()
    assert exact(page, _LONG, 3) == sorted(numbers, reverse=True)[:50]
    assert part(page, "[role=status]").text == f"rows 1 to 50 of {total}"


def test_rows_are_found_by_their_words(page):
    opened(page, _LONG)
    part(page, "input").send_keys("lime half")
    rows = [row.text for row in elements(page, f"#table-{_LONG} tbody tr")]
    assert 0 < len(rows) <= 50 and all("lime" in row and "half" in row for row in rows)
    part(page, "input").send_keys(" nowhere")
    assert part(page, "[role=status]").text == "no such row"


def test_on_paper_a_long_table_is_whole(page):
    opened(page, _LONG)
    total = int(part(page, "[role=status]").text.rpartition(" ")[2])
    page.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert len(column(page, _LONG, 0)) == total
    page.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert len(column(page, _LONG, 0)) == 50
