"""A browser, and in it the page of the made-up study."""

import pytest

from tests import required
from tests.browser import driver
from tests.fixtures import made_up_study

_SPY = """
window.alerted = [];
window.alert = (text) => window.alerted.push(text);
window.violations = [];
window.drawn = 0;
window.saved = [];
const create = Document.prototype.createElement;
Document.prototype.createElement = function (...given) { window.drawn++; return create.apply(this, given); };
const url = URL.createObjectURL;
URL.createObjectURL = (blob) => { window.saved.push(blob); return url(blob); };
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.blockedURI));
"""


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """The address of a page with hostile texts and more examples than are drawn at once."""
    folder = tmp_path_factory.mktemp("page")
    made_up_study.report(made_up_study.write(folder / "in", examples=60), folder / "index.html")
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A browser that notes alerts, policy violations, files saved and everything on its console."""
    browser = driver.start(tmp_path_factory.mktemp("profile"))
    if browser is None:
        required.lacking("browser", "chromium and chromedriver are not installed")
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _SPY})
    yield browser
    browser.quit()


@pytest.fixture
def page(chromium, address):
    """The page, freshly loaded; whatever a test does, nothing may be refused or reported."""
    driver.open_page(chromium, address)
    yield chromium
    assert chromium.execute_script("return window.alerted") == []
    assert chromium.execute_script("return window.violations") == []
    assert chromium.get_log("browser") == []
