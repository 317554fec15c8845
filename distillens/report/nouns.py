"""What gets a value, by its noun: a page about sentences says sentences where others say words."""

import re
from collections.abc import Iterator
from dataclasses import replace

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

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
        found = noun(unit, many=bool(match[2]))
        return found.capitalize() if match[1] == "W" else found

    return text if unit == "word" else _WORD.sub(other, text)


def of_table(table: Table, unit: str) -> Table:
    """A table whose caption and headings say the unit; cells stay.

    Examples
    --------
    >>> from distillens.report.formatting import Head
    >>> found = of_table(Table("t", "Words named", [Head("by", "whose words")], []), "line")
    >>> found.caption, found.head[0].meaning
    ('Lines named', 'whose lines')
    """
    if unit == "word":
        return table
    head = [replace(one, text=named(one.text, unit), meaning=named(one.meaning, unit)) for one in table.head]
    return replace(table, caption=named(table.caption, unit), head=head)


class Named(Extension):
    """Templates that say the unit (``environment.unit``) in what stands between tags; no data is touched."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """The tokens of a template."""
        about_words = any(f"sections/{name}." in (stream.name or "") for name in ABOUT_WORDS)
        unit = "word" if about_words else self.environment.unit
        inside = False
        for token in stream:
            if token.type == "data" and unit != "word":
                parts = re.split("([<>])", token.value)
                for place, part in enumerate(parts):
                    if part in "<>" and part:
                        inside = part == "<"
                    elif not inside:
                        parts[place] = named(part, unit)
                token = Token(token.lineno, "data", "".join(parts))
            yield token
