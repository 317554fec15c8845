"""What gets a value, by its noun: a page about sentences says sentences where others say words."""

import re
from dataclasses import replace

from distillens.data.units import noun
from distillens.report.formatting import Table

ABOUT_WORDS = ("robustness", "probes")
"""Sections that are about words whatever the unit: edits, and sentences that are built of words."""

_WORD = re.compile(r"\b([Ww])ord(s?)\b")


def named(text: str, unit: str) -> str:
    """A text about words, about the unit.

    Examples
    --------
    >>> named("Words that go: each word", "sentence")
    'Sentences that go: each sentence'
    """

    def other(match: re.Match[str]) -> str:
        name = noun(unit, many=bool(match[2]))
        return name.capitalize() if match[1] == "W" else name

    return text if unit == "word" else _WORD.sub(other, text)


def of_table(table: Table, unit: str) -> Table:
    """A table whose caption and headings say the unit; cells stay.

    Examples
    --------
    >>> from distillens.report.formatting import Head
    >>> table = of_table(Table("t", "Words named", [Head("by", "whose words")], []), "line")
    >>> table.caption, table.head[0].meaning
    ('Lines named', 'whose lines')
    """
    if unit == "word":
        return table
    head = [replace(one, text=named(one.text, unit), meaning=named(one.meaning, unit)) for one in table.head]
    return replace(table, caption=named(table.caption, unit), head=head)
