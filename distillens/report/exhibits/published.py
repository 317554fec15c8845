"""A published study's tables and figures, by number: its values beside those of this study."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillens import registry
from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.source import Source
from distillens.report.formatting import capitalised, write_csv
from distillens.report.svg import standalone


@dataclass(frozen=True)
class Exhibit:
    """A numbered exhibit of the paper: ``number`` as in file names, ``name`` as in the paper."""

    number: str
    name: str
    kind: str
    caption: str
    content: Content


def exhibits(paper: Mapping[str, Any], source: Source) -> list[Exhibit]:
    """Make every exhibit, in the order of the file; one that cannot be made says why.

    Parameters
    ----------
    paper : mapping
        As `distillens.config.validate.published` reads it.
    source : Source

    Examples
    --------
    >>> paper = {"exhibits": {"figure-1": {"kind": "workflow", "caption": "The rules"}}}
    >>> [(exhibit.number, exhibit.kind) for exhibit in exhibits(paper, source=None)]
    [('figure-1', 'workflow')]
    """
    items = []
    for number, settings in paper["exhibits"].items():
        content = registry.load("exhibit", settings["kind"]).show(number, settings, source)
        name = capitalised(number.replace("-", "\u00a0"))
        items.append(Exhibit(number, name, settings["kind"], settings["caption"], content))
    return items


def write(items: list[Exhibit], folder: Path) -> None:
    """Write the numbers of each exhibit as CSV, and its figure as SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    for exhibit in items:
        write_csv(folder / f"{exhibit.number}.csv", exhibit.content.columns, exhibit.content.records)
        if exhibit.content.svg:
            (folder / f"{exhibit.number}.svg").write_text(standalone(exhibit.content.svg), "utf-8")


def roles(settings: Mapping[str, Any], names: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Which of the study's models stands for each of the paper's; None where there is none.

    Examples
    --------
    >>> roles({"models": {"student": "tiny"}}, {"student": "DistilBERT", "other": "TinyBERT"})
    [('DistilBERT', 'tiny'), ('TinyBERT', None)]
    """
    return [(name, settings["models"].get(role)) for role, name in names.items()]
