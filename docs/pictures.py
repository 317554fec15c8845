"""The pictures of README and docs, of today's pages: ``python -m docs.pictures results/quickstart``.

Each is what Chromium shows of a page in a window of a given size: the quickstart's, which has its texts, or a
committed one. Look at them before they are committed.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tests.browser import driver

IMAGES = Path(__file__).parent / "images"
STUDIES = Path(__file__).parent / "results"


class Picture(NamedTuple):
    """A picture: the page, the size of the window, and the id of what stands at its top."""

    study: str | None
    """A committed study, or None for the quickstart."""
    size: tuple[int, int]
    top: str | None = None


PICTURES = {
    "report": Picture(None, (1200, 1000)),
    "sentences": Picture(None, (1280, 800), "controls"),
    "closing": Picture("close-the-drift-sst2-mini", (1220, 1190), "gap_closed"),
}


# The contents stay on top of the window, and would cover it.
_SHOWN = """
arguments[0].scrollIntoView({block: 'start', behavior: 'instant'});
window.scrollBy({top: -document.querySelector('nav').offsetHeight - 12, behavior: 'instant'});
"""


def take(browser: Any, picture: Picture, page: Path) -> bytes:
    """What the browser shows of a page, as a PNG file.

    Raises
    ------
    selenium.common.exceptions.NoSuchElementException
        If the page has nothing with that id.
    """
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": picture.size[0], "height": picture.size[1], "deviceScaleFactor": 1, "mobile": False},
    )
    browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    address = page.resolve().as_uri()
    if picture.study is None:
        driver.open_page(browser, address)
    else:  # without texts, whose controls show that the page's script runs
        browser.get(address)
        driver.until(browser, lambda page: driver.elements(page, "#verdict table"))
    if picture.top:
        driver.follow(browser, picture.top)
        top = browser.find_element("id", picture.top)
        browser.execute_script(_SHOWN, top)
    return browser.get_screenshot_as_png()


def main() -> None:
    """Take all pictures, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m docs.pictures", description=__doc__)
    parser.add_argument("quickstart", type=Path, help="results of the quickstart")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PICTURES)}; by default all")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(PICTURES))
    if unknown:
        raise SystemExit(f"there is no picture {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = driver.start(Path(profile))
        if browser is None:
            raise SystemExit("pictures need Chromium and chromedriver on the path")
        try:
            for name in given.names or PICTURES:
                study = PICTURES[name].study
                page = (STUDIES / study if study else given.quickstart / "report") / "index.html"
                (IMAGES / f"{name}.png").write_bytes(take(browser, PICTURES[name], page))
        finally:
            browser.quit()


if __name__ == "__main__":
    main()
