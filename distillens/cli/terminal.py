"""The page's tables and coloured texts in a terminal."""

from collections.abc import Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table as Shown
from rich.text import Text

from distillens.data.text import Example
from distillens.report.formatting import Cell, Table

_VERDICTS = {"no-drift": "bold green", "drift": "bold red", "undecided": "yellow", "gated": "dim"}
# Against is also underlined, so that colour is not all that tells.
_FOR, _AGAINST = (0, 114, 178), (213, 94, 0)


def table(content: Table, console: Console) -> Shown:
    """A table of the page; where the terminal is too narrow for it, a line for each cell, row after row.

    Examples
    --------
    >>> from distillens.report.formatting import Head
    >>> content = Table("t", "A table", [Head("model"), Head("score")], [[Cell("teacher"), Cell("0.5")]])
    >>> [table(content, Console(width=width)).row_count for width in (80, 10)]
    [1, 2]
    """
    look = {"title": content.caption, "box": box.SIMPLE_HEAD, "title_justify": "left", "title_style": "bold"}
    shown = Shown(**look)
    for head in content.head:
        shown.add_column(head.text, justify="right" if head.numeric else "left")
    for row in content.rows:
        shown.add_row(*(_cell(cell, "\n") for cell in row))
    wide = console.options.update(width=10_000)  # as the table would be without limits
    if console.measure(shown, options=wide).maximum <= console.width:
        return shown
    narrow = Shown(**look, show_header=False)
    for row in content.rows:
        for head, cell in zip(content.head, row, strict=True):
            narrow.add_row(Text(head.text, "dim"), _cell(cell, "  "))
        narrow.add_section()
    return narrow


def _cell(cell: Cell, between: str) -> Text:
    """What a cell says, its parts on lines of their own or beside each other."""
    style = next((_VERDICTS[word] for word in cell.style.split() if word in _VERDICTS), "")
    text = Text(cell.text, style)
    for more in filter(None, (cell.unit, *cell.note.split("\n"))):
        text.append(f"{between}{more}", "dim")
    return text


def coloured(example: Example, values: Sequence[float]) -> Text:
    """A text whose words are coloured by their values: for in blue, against in orange and underlined.

    Parameters
    ----------
    example : Example
        Its segments are joined by a bar.
    values : sequence of float, shape (n_words,)
        Scaled to the strongest.

    Examples
    --------
    >>> text = coloured(Example("a", "not bad"), [0.2, -0.8])
    >>> text.plain, len(text.spans)
    ('not bad', 2)
    """
    largest = max(map(abs, values), default=0) or 1
    shown, place = Text(), (0, 0)
    for word, value in zip(example.words, values, strict=True):
        if word.segment != place[0]:
            shown.append(example.texts[place[0]][place[1] :] + " | ")
            place = (word.segment, 0)
        shown.append(example.texts[word.segment][place[1] : word.start])
        shown.append(word.text, _style(value / largest))
        place = (word.segment, word.end)
    shown.append(example.texts[place[0]][place[1] :])
    return shown


def _style(strength: float) -> str:
    colour = np.array(_FOR if strength > 0 else _AGAINST)
    faded = (255 + (colour - 255) * abs(strength)).round().astype(int)
    ink = "white" if abs(strength) > 0.6 else "black"
    return f"{ink} on rgb({','.join(map(str, faded))}){' underline' if strength < 0 else ''}"
