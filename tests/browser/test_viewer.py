"""The explained texts in a real browser, by mouse and by keyboard."""

import csv
import io

import pytest

from tests.browser.driver import (
    asked,
    choose,
    count,
    elements,
    facts,
    follow,
    ids,
    open_page,
    see,
    unfold,
    until,
)
from tests.fixtures import made_up_study

keys = pytest.importorskip("selenium.webdriver.common.keys", reason="selenium is not installed").Keys

_FIRST = "#list .card:first-child"


@pytest.fixture
def page(page):
    """The page, its texts opened."""
    unfold(page)
    return page


def lines(page):
    """The names of the rows of the first card."""
    return [name.text for name in elements(page, f"{_FIRST} .who b")]


def values(row):
    """What the words of a row are worth."""
    titles = [word.get_attribute("title") for word in row.find_elements("css selector", ".w")]
    return [float(title.removesuffix(" points").replace("−", "-")) for title in titles]


def shares(found):
    """Shares of the attribution of a text."""
    return [value / sum(map(abs, found)) for value in found]


def test_texts_are_drawn_as_they_are_needed(page):
    assert count(page) == "60 texts"
    assert len(elements(page, "#list .card")) < 60
    for _ in range(4):
        page.execute_script("document.getElementById('more').click()")
    assert len(elements(page, "#list .card")) == 60
    assert not page.find_element("id", "more").is_displayed()


def test_the_worst_beyond_noise_come_first(page):
    most = facts(page, "beyond noise:")
    assert most == sorted(most, reverse=True) and most[0] > most[-1]
    choose(page, "sort", "alike")
    assert facts(page, "beyond noise:") == sorted(facts(page, "beyond noise:")) != most
    choose(page, "sort", "ranks")
    assert facts(page, "Spearman:") == sorted(facts(page, "Spearman:"))
    choose(page, "sort", "given")
    assert ids(page)[:3] == ["sst5-0", "sst5-1", "sst5-2"]


def test_beyond_noise_is_what_the_teachers_runs_share_minus_what_the_student_does(page):
    choose(page, "student", "half")
    parts = [facts(page, name) for name in ("beyond noise:", "half shares", "the teacher’s runs share")]
    for beyond, shared, ceiling in zip(*parts, strict=True):
        assert beyond == pytest.approx(ceiling - shared, abs=0.0151)  # three numbers of two digits


def test_sort_follows_the_chosen_student(page):
    soft = facts(page, "beyond noise:")
    choose(page, "student", "half")
    assert facts(page, "beyond noise:") == sorted(facts(page, "beyond noise:"), reverse=True)
    assert sum(facts(page, "beyond noise:")) > sum(soft)


def test_search_and_filter(page):
    choose(page, "q", "EMOJI")
    assert ids(page) == ["sst5-4"] and count(page) == "1 of 60 texts"
    choose(page, "q", "no such words")
    assert ids(page) == [] and count(page) == "0 of 60 texts"
    choose(page, "q", "")
    choose(page, "show", "differ")
    assert 0 < int(count(page).split()[0]) < 60
    counts = []
    for choice in ("right", "teacher", "student", "wrong"):
        choose(page, "show", choice)
        counts.append(int(count(page).split()[0]))
    assert sum(counts) == 60 and min(counts) >= 0


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("story emoji gripping", ["sst5-4"]),  # all of the terms, in any order
        ("story emoji dull", []),
        ("‘too’ “quotes”", ["sst5-1"]),  # the text has straight ones
        ("paragraph’s", ["sst5-2"]),
        ("SST5-7", ["sst5-7"]),
    ],
)
def test_a_search_takes_terms_in_any_order_and_quotes_of_any_kind(page, query, found):
    choose(page, "q", query)
    assert ids(page) == found


def test_labels_stand_in_the_order_of_the_classes(page):
    labels = [option.text for option in elements(page, "#controls [name=label] option")]
    assert labels[0] == "any" and labels[1:] == [one for one in made_up_study.LABELS if one in labels]
    counts = []
    for label in labels[1:]:
        choose(page, "label", label)
        assert all(f"gold: {label}" in header.text for header in elements(page, "#list .card header"))
        counts.append(int(count(page).split()[0]))
    assert sum(counts) == 60
    choose(page, "task", "stsb")
    for name in ("label", "class", "show"):
        assert not page.find_element("css selector", f"#controls [name={name}]").is_enabled()


def test_the_chosen_student_is_shown_and_others_on_demand(page):
    students = ["soft · seed 0", "soft · seed 1", "soft · seed 2", "half", "tiny"]
    assert lines(page) == ["teacher · seed 0", "soft · seed 0", "difference"]
    choose(page, "others", True)
    assert lines(page) == ["teacher · seed 0", *students, "difference"]
    choose(page, "others", False)
    choose(page, "student", "soft · seed 2")  # stands beside the run that it learnt from
    assert lines(page) == ["teacher · seed 2", "soft · seed 2", "difference"]
    choose(page, "seeds", True)
    assert lines(page) == [*(f"teacher · seed {seed}" for seed in range(3)), "soft · seed 2", "difference"]


def test_any_class_can_be_looked_at(page):
    choose(page, "q", "sst5-10")
    predicted = values(elements(page, f"{_FIRST} .line")[0])
    # Of the made-up attributions the classes' stand in fixed proportions: -1, -0.5, 0, 0.5, 1.
    choose(page, "class", "very bad")
    worst = values(elements(page, f"{_FIRST} .line")[0])
    assert "explained class: very bad" in elements(page, f"{_FIRST} header")[0].text
    assert page.find_element("id", "for").text == "for very bad"
    choose(page, "class", "good")
    good = values(elements(page, f"{_FIRST} .line")[0])
    assert good == pytest.approx([-value / 2 for value in worst], abs=5e-3)
    choose(page, "class", "so-so")
    assert set(values(elements(page, f"{_FIRST} .line")[0])) == {0.0}
    choose(page, "class", "")
    assert values(elements(page, f"{_FIRST} .line")[0]) == predicted


@pytest.mark.parametrize("own", [{"p": "good", "t": "good"}, None])
def test_of_several_teachers_the_class_explained_is_that_of_the_student_s_own(page, own):
    cells = [{"p": "bad", "t": "bad"}, {"p": "good", "t": "good"}, own]
    head = page.execute_script(
        "const student = { model: 'kd', teacher: 1 };"
        "const view = { runs: [{}, {}, student], rows: [arguments[0]], students: {} };"
        "return headOf({ examples: [{ id: 'a', gold: null }] }, view, {}, student, 0).textContent",
        cells,
    )
    assert head == "aexplained class: good"


def test_the_difference_is_in_points_of_the_attribution_and_has_its_own_readout(page):
    choose(page, "student", "half")
    rows = elements(page, f"{_FIRST} .line")
    assert lines(page) == ["teacher · seed 0", "half", "difference"]
    teacher, half, difference = map(values, rows)
    expected = [100 * (b - a) for a, b in zip(shares(teacher), shares(half), strict=True)]
    assert difference == pytest.approx(expected, abs=0.25)
    # Half of all differences is what is not shared.
    assert sum(map(abs, difference)) / 200 == pytest.approx(1 - facts(page, "half shares")[0], abs=0.01)
    rows[2].send_keys(keys.ARROW_RIGHT)
    said = page.find_element("css selector", "#readout .apart").text
    assert "points of the text’s attribution" in said and "after" in said
    assert {"more", "less"} & set(" ".join(w.get_attribute("class") for w in elements(page, ".w")).split())
    assert "more than the teacher" in page.find_element("id", "legend").text


def test_a_reset_takes_every_filter_back(page):
    given = asked(page)
    for name, value in {"q": "film", "sort": "alike", "show": "differ", "class": "good"}.items():
        choose(page, name, value)
    choose(page, "others", True)
    see(page, page.find_element("id", "reset")).click()
    assert asked(page) == given and count(page) == "60 texts"


def test_the_texts_of_the_filter_can_be_saved(page):
    choose(page, "q", "sst5-3")
    see(page, page.find_element("id", "save")).click()
    text = page.execute_async_script("window.saved[0].text().then(arguments[0])")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["example_id"] == "sst5-3" and row["text_a"] == "'" + made_up_study.HOSTILE[3]
    assert row["student"] == "soft" and row["student_run"] == "soft · seed 0" and row["explainer"] == "shap"
    assert float(row["beyond_noise"]) == pytest.approx(float(row["ceiling"]) - float(row["shared"]), abs=2e-3)
    choose(page, "q", "")
    choose(page, "show", "differ")
    see(page, page.find_element("id", "save")).click()
    text = page.execute_async_script("window.saved[1].text().then(arguments[0])")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == int(count(page).split()[0])
    assert all(row["teacher_prediction"] != row["student_prediction"] for row in rows)
    assert [row["example_id"] for row in rows[:5]] == ids(page)[:5]


def test_a_deep_link_opens_exactly_this_view(page):
    for name, value in {"task": "stsb", "explainer": "lime", "student": "half", "sort": "alike"}.items():
        choose(page, name, value)
    shown, link = ids(page)[:5], elements(page, "#list .card header a")[3].get_attribute("href")
    for target in (page.current_url, link):
        open_page(page, target)
        assert ids(page)[:5] == shown
        form = asked(page)
        assert (form["task"], form["explainer"], form["student"]) == ("stsb", "lime", "half")
    assert page.switch_to.active_element.get_attribute("class") == "card linked"
    linked = [card.find_element("css selector", "a").text for card in elements(page, ".linked")]
    assert linked == [shown[3]]


def test_a_text_that_is_filtered_out_of_its_link_is_said_and_shown_on_demand(page, address):
    open_page(page, f"{address}#sentences?q=gripping&example=sst5-20")
    said = page.find_element("id", "absent")
    assert "sst5-20 is not among these texts" in said.text and "sst5-20" not in ids(page)
    said.find_element("css selector", "button").click()
    assert page.switch_to.active_element.get_attribute("class") == "card linked"
    assert not said.is_displayed() and count(page) == "60 texts"
    open_page(page, f"{address}#sentences?example=nowhere")
    assert "There is no text nowhere in sst5" in page.find_element("id", "absent").text


def test_back_reload_and_links_agree(page):
    choose(page, "student", "half")
    choose(page, "show", "differ")
    differ, address = ids(page), page.current_url
    choose(page, "show", "all")
    every = ids(page)
    page.back()
    until(page, lambda page: ids(page) == differ)
    assert page.current_url == address and asked(page)["show"] == "differ"
    page.forward()
    until(page, lambda page: ids(page) == every)
    page.back()
    until(page, lambda page: ids(page) == differ)
    # Elsewhere on the page and back, and loaded again there: the texts stay as they were.
    page.execute_script("location.hash = '#verdict'")
    until(page, lambda page: page.execute_script("return history.state !== null"))
    page.refresh()
    unfold(page)
    assert ids(page) == differ
    page.back()
    until(page, lambda page: page.current_url == address)
    page.refresh()
    until(page, lambda page: ids(page) == differ)
    for _ in range(2):
        page.back()
    until(page, lambda page: asked(page)["student"] == "soft · seed 0" and asked(page)["show"] == "all")


def test_a_cell_of_the_verdict_opens_its_texts(page):
    link = page.find_element("css selector", '#table-verdict a[href*="lime"][href*="half"]')
    see(page, link).send_keys(keys.ENTER)
    until(page, lambda page: asked(page)["explainer"] == "lime")
    assert asked(page)["student"] == "half" and asked(page)["task"] == "sst5"
    assert page.switch_to.active_element.get_attribute("id") == "sentences-title"
    # Below the contents, which stay at the top.
    top = "return document.getElementById('sentences').getBoundingClientRect().top"
    until(page, lambda page: 0 <= page.execute_script(top) <= 60)


def test_the_id_of_a_worst_case_opens_its_text(page):
    follow(page, "table-worst-sst5-soft")
    link = page.find_element("css selector", "#table-worst-sst5-soft a")
    name = link.text
    see(page, link).click()
    until(page, lambda page: elements(page, ".card.linked"))
    assert page.find_element("css selector", ".card.linked header a").text == name
    assert page.switch_to.active_element.get_attribute("class") == "card linked"
    # They are the first of the viewer, in its order.
    worst = [one.get_attribute("textContent") for one in elements(page, "#table-worst-sst5-soft tbody a")]
    assert len(worst) == 10 and worst == ids(page)[:10]


def test_a_verdict_leads_to_its_figure(page):
    page.execute_script("document.querySelector('#table-verdict td.verdict a').click()")
    top = "return document.getElementById('figure-agreement-sst5')?.getBoundingClientRect().top"
    until(page, lambda page: 0 <= (page.execute_script(top) or -1) < 600)


def test_a_card_is_one_stop_of_the_tab_key(page):
    stops = page.execute_script(
        "return [...document.querySelectorAll('#list .card')].map((card) =>"
        " [...card.querySelectorAll('a, [tabindex]')].filter((one) => one.tabIndex === 0).length)"
    )
    assert set(stops) == {1}
    first = elements(page, f"{_FIRST} .line")[0]
    first.send_keys(keys.ARROW_DOWN)
    assert page.switch_to.active_element == elements(page, f"{_FIRST} .line")[1]
    page.switch_to.active_element.send_keys(keys.TAB)
    assert page.switch_to.active_element == elements(page, "#list .card:nth-child(2) .line")[0]
    # Back into the card where it was left.
    page.switch_to.active_element.send_keys(keys.SHIFT, keys.TAB)
    assert page.switch_to.active_element == elements(page, f"{_FIRST} .line")[1]
    page.switch_to.active_element.send_keys(keys.ARROW_UP)
    page.switch_to.active_element.send_keys(keys.ARROW_UP)
    assert page.switch_to.active_element.get_attribute("href") is not None


def test_words_by_keyboard(page):
    line = elements(page, "#list .card:nth-child(2) .line")[0]
    line.send_keys(keys.ARROW_RIGHT, keys.ARROW_RIGHT)
    active = [word.get_attribute("data-word") for word in elements(page, ".w.active")]
    assert active == ["1"] * len(elements(page, "#list .card:nth-child(2) .line"))
    said = page.find_element("id", "readout").text
    assert "teacher · seed 0" in said and "soft · seed 0" in said and "no." in said and "difference" in said
    line.send_keys(keys.ESCAPE)
    assert not page.find_element("id", "readout").is_displayed()


def test_word_has_its_value_and_its_sign_without_colour(page):
    word = elements(page, "#list .w.neg")[0]
    assert word.get_attribute("title").startswith("−")
    assert "underline" in word.value_of_css_property("text-decoration-line")
    assert "underline" in elements(page, ".w.less")[0].value_of_css_property("text-decoration-line")


@pytest.mark.slow
def test_of_ten_thousand_texts_only_those_are_drawn_that_are_shown(chromium, tmp_path):
    settings = made_up_study.study(explainers=("shap",), perturbations=(), teacher_seeds=[0])
    for name in ("half", "tiny"):
        del settings["models"][name]
    settings |= {"published": None, "probes": {}}
    arguments = made_up_study.write(tmp_path / "in", settings, examples=10_000)
    made_up_study.report(arguments, tmp_path / "index.html")
    open_page(chromium, (tmp_path / "index.html").as_uri())
    assert not elements(chromium, "#list .card"), "nothing is drawn before it is looked at"
    unfold(chromium)
    assert count(chromium).startswith("10000 texts; the noise of the teacher’s runs is not known")
    choose(chromium, "q", "gripping")
    assert 0 < int(count(chromium).split()[0]) < 10_000
    assert len(elements(chromium, "#list .card")) <= 40
    assert chromium.execute_script("return document.querySelectorAll('*').length") < 20_000
    # Nor was any drawn and thrown away: those of the first view, and those of the search.
    per_card = chromium.execute_script(
        "return Math.max(...[...document.querySelectorAll('#list .card')]"
        ".map((card) => 1 + card.querySelectorAll('*').length))"
    )
    buttons = 500  # what else the page draws at its start: heads of tables, options of the form
    assert 0 < chromium.execute_script("return window.drawn") <= 2 * 40 * per_card + buttons
