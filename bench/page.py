"""How long a reader waits for the largest page: ``python -m bench.page``.

The page is a made-up study's, with as many explained texts and rows of one table as are asked for. It is
opened in a headless Chromium, as the tests do. Seconds are those from the act to the next picture on the
screen; the median of several counts.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import measure
from distillens import tables
from tests.browser import driver
from tests.fixtures import made_up_study

FIRST_VIEW, ACT, ELEMENTS = 0.5, 0.2, 20_000
"""What may be waited for the first view and for each act, in seconds, and how many elements there may be."""

# The picture after the next is drawn when the act is done.
_TIMED = """
const done = arguments[arguments.length - 1];
const start = performance.now();
(%s)();
requestAnimationFrame(() => setTimeout(() => done((performance.now() - start) / 1000)));
"""
_CHOSEN = """() => {
  const field = document.getElementById('controls').elements['%s'];
  field.value = '%s';
  field.dispatchEvent(new Event('input', { bubbles: true }));
}"""
_TABLE = "document.getElementById('table-drift-sst5')"
_SORTED = f"() => {_TABLE}.tHead.rows[0].cells[%d].querySelector('button').click()"
_SEARCHED = f"""() => {{
  const field = {_TABLE}.closest('.scroll').previousElementSibling.querySelector('input');
  field.value = '%s';
  field.dispatchEvent(new Event('input'));
}}"""
_ACTS = {
    "texts: opened": "() => { document.querySelector('#sentences details').open = true; }",
    "texts: another student": _CHOSEN % ("student", "half"),
    "texts: sorted": _CHOSEN % ("sort", "ranks"),
    "texts: filtered": _CHOSEN % ("show", "differ"),
    "texts: searched": _CHOSEN % ("q", "gripping film"),
    "texts: another class": _CHOSEN % ("class", "good"),
    "texts: another explainer": _CHOSEN % ("explainer", "lime"),
    "table: opened": "() => { location.hash = '#table-drift-sst5'; }",
    "table: sorted by a number": _SORTED % 4,
    "table: sorted by a word": _SORTED % 1,
    "table: searched": _SEARCHED % "half @7",
    "table: all rows again": _SEARCHED % "",
}
_OPENED = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
_READY = "return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def write(folder: Path, texts: int, rows: int) -> Path:
    """Write the page of so many explained texts, with a table of so many rows."""
    settings = made_up_study.study(explainers=("shap", "lime"), perturbations=())
    settings |= {"published": None, "probes": {}}
    made = made_up_study.write(folder / "in", settings, examples=texts)
    drift = tables.read(made["drift"], "drift").to_pylist()
    own = [row for row in drift if (row["task"], row["metric"]) == ("sst5", "spearman")]
    drift += [
        {**own[place % len(own)], "metric": "jaccard", "k": 1 + place // len(own)} for place in range(rows)
    ]
    made["drift"] = folder / "drift.parquet"
    tables.write(made["drift"], "drift", drift, {"tolerance": 0.05})
    made_up_study.report(made, folder / "index.html")
    return folder / "index.html"


def timings(browser: Any, page: Path, repeats: int) -> dict[str, Any]:
    """Seconds of the first view and of each act, the median of repeats, and elements of the first view."""
    taken: dict[str, list[float]] = {}
    elements = []
    for _ in range(repeats):
        driver.open_page(browser, page.as_uri())
        driver.until(browser, lambda browser: browser.execute_script(_OPENED) is not None)
        taken.setdefault("first view", []).append(browser.execute_script(_OPENED) / 1000)
        taken.setdefault("ready", []).append(browser.execute_script(_READY) / 1000)
        elements.append(browser.execute_script("return document.querySelectorAll('*').length"))
        for name, act in _ACTS.items():
            taken.setdefault(name, []).append(browser.execute_async_script(_TIMED % act))
    return {
        "elements": max(elements),
        "seconds": {name: round(statistics.median(values), 3) for name, values in taken.items()},
        "slowest": {name: round(max(values), 3) for name, values in taken.items()},
    }


def beyond(results: dict[str, Any]) -> list[str]:
    """Name what takes longer than it may.

    Examples
    --------
    >>> beyond({"elements": 9, "seconds": {"first view": 0.4, "ready": 0.9, "table: sorted": 0.3}})
    ['table: sorted']
    """
    late = [
        name
        for name, seconds in results["seconds"].items()
        if name != "ready" and seconds > (FIRST_VIEW if name == "first view" else ACT)
    ]
    return late + (["elements"] if results["elements"] >= ELEMENTS else [])


def main() -> int:
    """Measure, print, and write ``page.json`` beside this file."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    add = parser.add_argument
    add("--texts", type=int, default=10_000, help="explained texts of each task")
    add("--rows", type=int, default=10_896, help="rows of the longest table")
    add("--repeats", type=int, default=5)
    add("--out", type=Path, default=Path(__file__).with_name("page.json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        browser = driver.start(Path(folder, "profile"))
        if browser is None:
            print("bench.page: chromium and chromedriver are not installed", file=sys.stderr)
            return 1
        try:
            page = write(Path(folder), given.texts, given.rows)
            results = {
                "texts": given.texts,
                "rows": given.rows,
                "bytes": page.stat().st_size,
                "cores": measure.cores(),
                "browser": browser.capabilities["browserVersion"],
                "load": [round(one, 1) for one in os.getloadavg()],
                **timings(browser, page, given.repeats),
            }
        finally:
            browser.quit()
    results["beyond"] = beyond(results)
    given.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    for name, seconds in results["seconds"].items():
        print(f"{name:28} {seconds:7.3f} s   slowest {results['slowest'][name]:.3f} s")
    print(
        f"{results['elements']} elements, {results['bytes'] / 1e6:.1f} MB; "
        f"beyond: {results['beyond'] or 'nothing'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
