"""From a source in the config to a corpus: plain paragraphs, for training without labels."""

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.data import fetch, read
from distillens.data.text import seed_of
from distillens.provenance import digest

_LOG = logging.getLogger("distillens")

# Drawn in this order, so that a larger training split leaves the other as it is.
SPLITS = ("validation", "train")


def fetch_corpus(
    corpus: Mapping[str, Any], name: str, mirror: str | None, seed: int, out: str | Path
) -> None:
    """Write the table of kind ``corpus``: the paragraphs of two splits, empty ones left out.

    Parameters
    ----------
    corpus : mapping
        The corpus's block of the config. Splits of one split of the source are disjoint.
    name : str
        Its name.
    mirror : str or None
        Folder that is looked into before the hub.
    seed : int
        The study's seed; where a split takes only some paragraphs, they are drawn with it.
    out : str or Path
        Target file.

    Raises
    ------
    DataError
        If the source lacks a split or the column, or has too few paragraphs.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = fetch.source_files(corpus["source"], mirror, Path(folder))
        texts = {}
        for origin in sorted({split["from"] for split in corpus["splits"].values()}):
            if origin not in files:
                raise read.DataError(
                    f"corpora.{name}.splits: the source has no split {origin!r}; "
                    f"there are: {', '.join(files)}"
                )
            frame = read.read_frame(files[origin], **corpus["read"])
            texts[origin] = read.texts(
                frame, corpus["column"], f"corpora.{name}.column: {files[origin].name}"
            )
            _LOG.info(
                "%s: %d paragraphs, %d empty ones left out",
                files[origin].name,
                len(texts[origin]),
                len(frame) - len(texts[origin]),
            )
        numbers = {origin: list(map(str, range(len(paragraphs)))) for origin, paragraphs in texts.items()}
        taken, _ = fetch.share_out(
            numbers, corpus["splits"], SPLITS, seed_of(seed, name, "split"), f"corpora.{name}", "paragraphs"
        )
        rows = [
            {"split": split, "text": texts[corpus["splits"][split]["from"]][number]}
            for split, chosen in taken.items()
            for number in sorted(map(int, chosen))
        ]
        source = digest(*(files[origin] for origin in sorted(texts)))
    tables.write(out, "corpus", rows, {"corpus": name, "source_sha256": source, "seed": seed})
