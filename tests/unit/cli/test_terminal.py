"""Tables in a terminal: nothing is cut off where it is narrow."""

import io

import pytest
from rich.console import Console

from distillens.cli import terminal
from distillens.report.formatting import Cell, Head, Table

HEADS = ["task", "student", "gap by integrated_gradients", "gap by occlusion", "student’s score", "majority"]
ROWS = [
    ["snippets-5", "minilm-3-kd", "0.05", "−0.08", "0.501", "0.298"],
    ["stsb", "half-dropped-saliency", "0.10", "0.20", "0.612", "0.100"],
]


def printed(width):
    console = Console(file=io.StringIO(), width=width)
    rows = [
        [Cell(text, note=f"[{text}, {text}]\nA {text}", unit="not decided") for text in row] for row in ROWS
    ]
    console.print(terminal.table(Table("t", "Verdicts", [Head(text) for text in HEADS], rows), console))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 300])
def test_every_cell_is_readable_at_every_width(width):
    said = printed(width)
    assert "…" not in said
    for text in [*HEADS, *sum(ROWS, [])]:
        assert text in said


def test_a_table_that_fits_has_a_line_of_heads_and_a_narrow_one_a_line_for_each_cell():
    wide, narrow = ([line.split() for line in printed(width).splitlines()] for width in (300, 80))
    assert ["task", "student", *" ".join(HEADS[2:]).split()] in wide
    assert [line[0] for line in narrow if line].count("task") == len(ROWS)
    assert ["majority", "0.298", "not", "decided", "[0.298,", "0.298]", "A", "0.298"] in narrow
