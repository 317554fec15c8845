"""axe-core finds nothing on any page of today, narrow or wide, light or dark, closed or open."""

import os
from pathlib import Path

import pytest

from docs import studies
from tests import required
from tests.browser import driver

LOOKS = [(1400, "light"), (1400, "dark"), (400, "light"), (400, "dark")]


@pytest.fixture(scope="session", autouse=True)
def axe():
    """Looked for before a page is made and a browser started."""
    if "AXE" not in os.environ:
        required.lacking("axe", "AXE does not name a copy of axe.min.js")


def violations(page):
    page.execute_script(Path(os.environ["AXE"]).read_text("utf-8"))
    page.set_script_timeout(600)
    return page.execute_async_script(
        "axe.run().then(({ violations }) => arguments[0](violations.map((one) =>"
        " [one.id, ...one.nodes.map((node) => node.target[0])])))"
    )


@pytest.fixture
def looking(chromium):
    """Show a page in a width and a colour scheme."""

    def look(address, width, scheme):
        # A page without texts has no controls to wait for.
        chromium.get("about:blank")
        chromium.get(address)
        driver.until(chromium, lambda page: driver.elements(page, ".decision"))
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        driver.until(chromium, lambda page: page.execute_script("return window.innerWidth") == width)
        return chromium

    yield look
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_made_up_study_has_no_violation(looking, address, width, scheme):
    page = looking(address, width, scheme)
    assert violations(page) == []
    page.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert violations(page) == []


@pytest.mark.parametrize(("width", "scheme"), [LOOKS[0], LOOKS[-1]])
@pytest.mark.parametrize("folder", studies.kept(), ids=lambda folder: folder.name)
def test_a_committed_study_has_no_violation(looking, folder, width, scheme):
    assert violations(looking((folder / "index.html").as_uri(), width, scheme)) == []
