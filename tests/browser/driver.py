"""A browser without a screen, what a reader does with the page in it, and what is then on it."""

import shutil

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
waiting = pytest.importorskip("selenium.webdriver.support.wait", reason="selenium is not installed")

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_DRIVER = shutil.which("chromedriver")
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
_PATIENCE = 900
"""Seconds that an answer of the browser may take, on a busy machine."""


def start(profile):
    """Start a browser that keeps what is on its console; None where there is none."""
    if not (_CHROMIUM and _DRIVER):
        return None
    options = webdriver.ChromeOptions()
    for argument in (*_OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.binary_location = _CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(_DRIVER))
    browser.command_executor.client_config.timeout = _PATIENCE
    return browser


def open_page(page, address):
    """Load a page whose script has started."""
    page.get("about:blank")
    page.get(address)
    # On a busy machine the driver may answer for the page before.
    until(page, lambda page: elements(page, "#controls:not([hidden])"))


def unfold(page):
    """Open the section of the explained texts."""
    page.execute_script("document.querySelector('#sentences details').open = true")
    until(page, lambda page: elements(page, "#list .card"))


def unfold_all(page):
    """Open everything, as on paper."""
    shut = "document.querySelectorAll('details:not([open])')"
    while page.execute_script(f"return [...{shut}].map((one) => {{ one.open = true; }}).length"):
        until(page, lambda page: not elements(page, "details[open] > template"))


def follow(page, name):
    """Follow a link to what has an id, wherever it is folded in."""
    page.execute_script("location.hash = '#' + arguments[0]", name)
    until(page, lambda page: page.find_element("id", name).is_displayed())


def until(page, condition):
    """Wait for what the browser does in its own time."""
    return waiting.WebDriverWait(page, 60).until(condition)


def elements(page, selector):
    """All elements that a selector finds."""
    return page.find_elements("css selector", selector)


def choose(page, name, value):
    """Fill in a field of the viewer's form."""
    page.execute_script(
        "const field = document.getElementById('controls').elements[arguments[0]];"
        "if (field.type === 'checkbox') field.checked = arguments[1]; else field.value = arguments[1];"
        "field.dispatchEvent(new Event('input', { bubbles: true }));",
        name,
        value,
    )


def see(page, element):
    """Scroll to an element at once: a click on what still moves misses it."""
    page.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
    return element


def asked(page):
    """What the viewer's form says."""
    return page.execute_script("return Object.fromEntries(new FormData(document.getElementById('controls')))")


def ids(page):
    """The texts that are drawn, in order."""
    return [link.text for link in elements(page, "#list .card header a")]


def facts(page, name):
    """A number of every card that is drawn, by its name; without those that are undefined."""
    found = page.execute_script(
        "return [...document.querySelectorAll('#list .card header span')]"
        ".filter((item) => item.firstChild.textContent.trim() === arguments[0])"
        ".map((item) => item.querySelector('b').textContent)",
        name,
    )
    return [float(text.replace("−", "-")) for text in found if text != "undefined"]


def count(page):
    """What the page says of how many texts are shown."""
    return page.find_element("id", "count").text
