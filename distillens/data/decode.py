"""From a file's bytes to its text: one encoding for the whole file, or an error that names the line."""

import codecs
import re
from pathlib import Path

from distillens.data.errors import DataError

_BEGINNINGS = (
    (b"\xff\xfe", "UTF-16; set read.encoding: utf-16"),
    (b"\xfe\xff", "UTF-16; set read.encoding: utf-16"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet; unpack it, or save it as CSV in UTF-8"),
    (b"\x1f\x8b", "compressed; unpack it"),
    (b"PAR1", "Parquet; let its name end in .parquet"),
)
_ONE_BYTE = re.compile(r"cp125\d|iso8859-\d+|latin")


def read_text(path: Path, encoding: str) -> str:
    r"""Decode a file, without the mark that may stand at its beginning; line ends stay what they are.

    Raises
    ------
    DataError
        If the file is empty, not of this encoding, has a null byte, or is valid UTF-8 but to be read
        as an encoding of one byte a character.

    Examples
    --------
    >>> path = Path("films.csv")
    >>> _ = path.write_bytes("Café\r\n".encode("utf-8-sig"))
    >>> read_text(path, "utf-8")
    'Café\r\n'
    >>> read_text(path, "cp1252")
    Traceback (most recent call last):
        ...
    distillens.data.errors.DataError: films.csv: is UTF-8, which cp1252 would garble; ...
    """
    try:
        content, codec = path.read_bytes(), codecs.lookup(encoding).name
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    except LookupError as error:
        raise DataError(f"{path}: read.encoding: there is no encoding {encoding!r}") from error
    if not content:
        raise DataError(f"{path}: is empty")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}{_why(content, error)}") from error
    except LookupError as error:  # a codec of something else than text
        raise DataError(f"{path}: read.encoding: {encoding!r} is no encoding of text") from error
    if _ONE_BYTE.match(codec) and not content.isascii() and _is_utf8(content):
        raise DataError(
            f"{path}: is UTF-8, which {encoding} would garble; remove read.encoding (or, if it is {encoding} "
            "all the same, save it as UTF-8)"
        )
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise DataError(
            f"{path}, line {line}: has a null byte; if the file is UTF-16, set read.encoding "
            "(utf-16-le or utf-16-be), else remove the byte"
        )
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DataError(f"{path}: is empty")
    return text


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _why(content: bytes, error: UnicodeDecodeError) -> str:
    for beginning, what in _BEGINNINGS:
        if content.startswith(beginning):
            return f": is {what}"
    line = len(re.findall(rb"\r\n|\r|\n", content[: error.start])) + 1
    return (
        f", line {line}: cannot be read as {error.encoding} (byte 0x{content[error.start]:02x}: "
        f"{error.reason}); set read.encoding, such as cp1252 for a file of an older Windows program"
    )
