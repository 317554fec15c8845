"""What templates of the page call words, about the unit; see `distillens.report.nouns`."""

import re
from collections.abc import Iterator

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from distillens.report.nouns import ABOUT_WORDS, named


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
