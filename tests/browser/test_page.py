"""The page in a real browser: it works by hand and by keyboard, and hostile text does nothing."""

import re
import shutil

import pytest

from tests.fixtures import made_up_study

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
waiting = pytest.importorskip("selenium.webdriver.support.wait")
keys = pytest.importorskip("selenium.webdriver.common.keys").Keys

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (_CHROMIUM and _DRIVER), reason="chromium and chromedriver are not installed"
)

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
_SPY = """
window.alerted = [];
window.alert = (text) => window.alerted.push(text);
window.violations = [];
window.drawn = 0;
const create = Document.prototype.createElement;
Document.prototype.createElement = function (...given) { window.drawn++; return create.apply(this, given); };
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.blockedURI));
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a page with hostile texts and more examples than are drawn at once."""
    folder = tmp_path_factory.mktemp("page")
    made_up_study.report(made_up_study.write(folder / "in", examples=60), folder / "index.html")
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser that notes alerts, policy violations and everything on its console."""
    options = webdriver.ChromeOptions()
    for argument in (*_OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.binary_location = _CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(_DRIVER))
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _SPY})
    yield browser
    browser.quit()


@pytest.fixture
def page(chromium, address):
    """The page, freshly loaded; whatever a test does, nothing may be refused or reported."""
    _open(chromium, address)
    yield chromium
    assert chromium.execute_script("return window.alerted") == []
    assert chromium.execute_script("return window.violations") == []
    assert chromium.get_log("browser") == []


def _open(page, address):
    page.get("about:blank")
    page.get(address)
    # On a busy machine the driver may answer for the page before.
    _until(page, lambda page: _all(page, "#list .card"))


def _until(page, condition):
    waiting.WebDriverWait(page, 300).until(condition)


def _all(page, selector):
    return page.find_elements("css selector", selector)


def _choose(page, name, value):
    page.execute_script(
        "const field = document.getElementById('controls').elements[arguments[0]];"
        "if (field.type === 'checkbox') field.checked = arguments[1]; else field.value = arguments[1];"
        "field.dispatchEvent(new Event('input', { bubbles: true }));",
        name,
        value,
    )


def _ids(page):
    return [link.text for link in _all(page, "#list .card header a")]


def _agreements(page):
    shown = [header.text.rpartition(": ")[2] for header in _all(page, "#list .card header")]
    return [float(text.replace("−", "-")) for text in shown if text != "undefined"]


def _count(page):
    return page.find_element("id", "count").text


def test_hostile_text_is_shown_as_text(page):
    for index, text in enumerate(made_up_study.HOSTILE[:2]):
        _choose(page, "q", f"sst5-{index}")
        words = page.execute_script("return document.querySelector('#list .line .words').textContent")
        assert words == text
        assert not _all(page, "#list script, #list img")


def test_sentences_are_drawn_as_they_are_needed(page):
    assert _count(page) == "60 texts"
    assert len(_all(page, "#list .card")) < 60
    for _ in range(4):
        page.execute_script("document.getElementById('more').click()")
    assert len(_all(page, "#list .card")) == 60
    assert not page.find_element("id", "more").is_displayed()


def test_sort_by_drift(page):
    most = _agreements(page)
    assert most == sorted(most) and most[0] < most[-1]
    _choose(page, "sort", "alike")
    assert _agreements(page) == sorted(_agreements(page), reverse=True) != most
    _choose(page, "sort", "given")
    assert _ids(page)[:3] == ["sst5-0", "sst5-1", "sst5-2"]


def test_sort_follows_the_chosen_student(page):
    soft = _agreements(page)
    _choose(page, "student", "half")
    assert _agreements(page) == sorted(_agreements(page))
    assert sum(_agreements(page)) < sum(soft)


def test_search_and_filter(page):
    _choose(page, "q", "EMOJI")
    assert _ids(page) == ["sst5-4"] and _count(page) == "1 of 60 texts"
    _choose(page, "q", "no such words")
    assert _ids(page) == [] and _count(page) == "0 of 60 texts"
    _choose(page, "q", "")
    _choose(page, "show", "differ")
    shown = int(_count(page).split()[0])
    assert 0 < shown < 60
    counts = []
    for choice in ("right", "teacher", "student", "wrong"):
        _choose(page, "show", choice)
        counts.append(int(_count(page).split()[0]))
    assert sum(counts) == 60 and min(counts) >= 0


def test_filter_by_label(page):
    labels = [option.text for option in _all(page, "#controls [name=label] option")]
    assert labels[0] == "any" and set(labels[1:]) <= set(made_up_study.LABELS)
    counts = []
    for label in labels[1:]:
        _choose(page, "label", label)
        assert all(f"gold: {label}" in header.text for header in _all(page, "#list .card header"))
        counts.append(int(_count(page).split()[0]))
    assert sum(counts) == 60
    _choose(page, "task", "stsb")
    assert not page.find_element("css selector", "#controls [name=label]").is_enabled()


def test_the_difference_stands_below_teacher_and_students(page):
    _choose(page, "student", "half")
    rows = _all(page, "#list .card:first-child .line")
    assert rows[-1].find_element("css selector", ".who b").text == "difference"

    def values(row):
        titles = [word.get_attribute("title") for word in row.find_elements("css selector", ".w")]
        found = [float(title.replace("−", "-")) for title in titles]
        return found, max(map(abs, found))

    named = {row.find_element("css selector", ".who b").text: row for row in rows}
    (teacher, most), (half, largest) = values(named["teacher · seed 0"]), values(named["half"])
    expected = [b / largest - a / most for a, b in zip(teacher, half, strict=True)]
    assert values(rows[-1])[0] == pytest.approx(expected, abs=2e-3)


@pytest.mark.slow
def test_of_ten_thousand_texts_only_those_are_drawn_that_are_shown(chromium, tmp_path):
    settings = made_up_study.study(explainers=("shap",), perturbations=(), teacher_seeds=[0])
    for name in ("half", "tiny"):
        del settings["models"][name]
    settings |= {"published": None, "probes": {}}
    arguments = made_up_study.write(tmp_path / "in", settings, examples=10_000)
    made_up_study.report(arguments, tmp_path / "index.html")
    _open(chromium, (tmp_path / "index.html").as_uri())
    assert _count(chromium) == "10000 texts"
    _choose(chromium, "q", "gripping")
    assert 0 < int(_count(chromium).split()[0]) < 10_000
    assert len(_all(chromium, "#list .card")) <= 40
    # Nor was any drawn and thrown away: those of the first view, and those of the search.
    per_card = chromium.execute_script(
        "return Math.max(...[...document.querySelectorAll('#list .card')]"
        ".map((card) => 1 + card.querySelectorAll('*').length))"
    )
    assert 0 < chromium.execute_script("return window.drawn") <= 2 * 40 * per_card


def test_other_seeds_of_the_teacher(page):
    def rows():
        return [name.text for name in _all(page, "#list .card:first-child .who b")]

    students = ["soft · seed 0", "soft · seed 1", "soft · seed 2", "half", "tiny", "difference"]
    assert rows() == ["teacher · seed 0", *students]
    _choose(page, "student", "soft · seed 2")  # stands beside the run that it learnt from
    assert rows() == ["teacher · seed 0", "teacher · seed 2", *students]
    _choose(page, "seeds", True)
    assert rows() == ["teacher · seed 0", "teacher · seed 1", "teacher · seed 2", *students]


def test_deep_link_opens_exactly_this_view(page, address):
    for name, value in {"task": "stsb", "explainer": "lime", "student": "half", "sort": "alike"}.items():
        _choose(page, name, value)
    shown, link = _ids(page)[:5], _all(page, "#list .card header a")[3].get_attribute("href")
    for target in (page.current_url, link):
        _open(page, target)
        assert _ids(page)[:5] == shown
        values = page.execute_script(
            "return Object.fromEntries(new FormData(document.getElementById('controls')))"
        )
        assert values["task"] == "stsb" and values["explainer"] == "lime" and values["student"] == "half"
    assert page.switch_to.active_element.get_attribute("class") == "card linked"
    assert [card.find_element("css selector", "a").text for card in _all(page, ".linked")] == [shown[3]]


@pytest.mark.parametrize(
    "hash_", ["#sentences?task=nope&sort=%E0%A4%A&show=x", "#sentences?q=%3Cscript%3E", "#verdict"]
)
def test_strange_links_are_harmless(page, address, hash_):
    _open(page, address + hash_)
    assert _all(page, "#list .card")


def test_words_by_keyboard(page):
    line = _all(page, "#list .card:nth-child(2) .line")[0]
    line.send_keys(keys.ARROW_RIGHT, keys.ARROW_RIGHT)
    active = [word.get_attribute("data-word") for word in _all(page, ".w.active")]
    assert active == ["1"] * len(_all(page, "#list .card:nth-child(2) .line"))
    said = page.find_element("id", "readout").text
    assert "teacher · seed 0" in said and "half" in said and "no." in said
    line.send_keys(keys.ESCAPE)
    assert not page.find_element("id", "readout").is_displayed()


def test_word_has_its_value_and_its_sign_without_colour(page):
    word = _all(page, "#list .w.neg")[0]
    assert word.get_attribute("title").startswith("−")
    assert "underline" in word.value_of_css_property("text-decoration-line")


def test_tables_sort(page):
    button = next(b for b in _all(page, "#table-verdict thead button") if "shap" in b.text)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)

    def values():
        cells = _all(page, "#table-verdict tbody td:nth-child(4) data")
        return [float(cell.get_attribute("value")) for cell in cells]

    given = values()
    button.click()
    assert values() == sorted(given)
    button.click()
    assert values() == sorted(given, reverse=True)
    button.click()
    assert values() == given


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
    ".h10 small",
    ".pos.l9",
    ".neg.l9",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colour_schemes_are_readable(page, scheme):
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
        _until(page, lambda page: page.execute_script("return window.innerWidth") == 400)
        assert page.execute_script("return document.documentElement.scrollWidth") <= 400
        assert all(figure.size["width"] <= 400 for figure in _all(page, "figure"))
        # What is wider scrolls in a frame of its own, which the keyboard reaches.
        frames = _all(page, ".scroll, .drawing")
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
        assert page.find_element("css selector", "#cases .card .w.pos").is_displayed()
        assert page.find_element("id", "table-published-table-1").is_displayed()
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
    shown = _all(page, ".exhibit")
    assert len(shown) == 14 and all(exhibit.is_displayed() for exhibit in shown)
    page.find_element("css selector", 'nav a[href="#published"]').click()
    top = "return Math.abs(document.getElementById('published').getBoundingClientRect().top)"
    _until(page, lambda page: page.execute_script(top) <= 5)


def test_nothing_is_requested(page):
    loaded = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []
