"""What a model has answered, kept: what costs money or time is asked once, but by jobs at the same moment.

A journal is a folder of small Parquet files beside the results, not among them: it stays when results
are deleted, and studies share it. Every file is written whole, so that a killed job loses what it was
waiting for and no more.
"""

import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from distillens.models.errors import ModelError

Segments = tuple[str, ...]

# Not of `distillens.tables`: what has been paid for is read whatever becomes of the results' schemas.
SCHEMA = pa.schema({"text_a": pa.string(), "text_b": pa.string(), "answer": pa.list_(pa.float64())})
_TOGETHER = 64


class Journal:
    """Answers by their texts, in a folder.

    Several jobs may write at once: each has files of its own. Of two answers to one text the first, in
    the order of the files' names, stands.

    Parameters
    ----------
    folder : str or Path

    Examples
    --------
    >>> journal = Journal("answers/llm")
    >>> journal.add([("A film",)], np.array([[0.25, 0.75]]))
    >>> Journal("answers/llm")[("A film",)].tolist()
    [0.25, 0.75]
    >>> ("Another",) in journal, len(journal)
    (False, 1)
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._own: list[Path] = []
        self._token = uuid.uuid4().hex[:12]
        self._answers: dict[Segments, np.ndarray] = {}
        self._sizes: dict[str, int] = {}
        self.refresh()

    def __len__(self) -> int:
        return len(self._answers)

    def __contains__(self, text: Segments) -> bool:
        return text in self._answers

    def __getitem__(self, text: Segments) -> np.ndarray:
        return self._answers[text]

    def refresh(self) -> None:
        """Read what other jobs have kept meanwhile."""
        while True:
            try:
                for file in sorted(self._folder.glob("*.parquet")):
                    size = file.stat().st_size
                    if self._sizes.get(file.name) != size:
                        for text, answer in _read(file):
                            self._answers.setdefault(text, answer)
                        self._sizes[file.name] = size
                return
            except FileNotFoundError:
                continue  # a job has just joined its files

    def add(self, texts: Sequence[Segments], answers: np.ndarray) -> None:
        """Keep the answers to texts that it has none to, on disk before this returns.

        Parameters
        ----------
        texts : sequence of tuples
        answers : ndarray, shape (texts, outputs)
        """
        new = {text: row for text, row in zip(texts, answers, strict=True) if text not in self._answers}
        if not new:
            return
        self._answers |= {text: np.array(row, dtype=np.float64) for text, row in new.items()}
        self._own.append(self._write(new))
        if len(self._own) == _TOGETHER:
            self._join()

    def _write(self, answers: Mapping[Segments, np.ndarray]) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        # Files that are joined leave gaps: their count would put a new one before older ones.
        heads = [file.name.partition("-")[0] for file in self._folder.glob("*.parquet")]
        number = max((int(head) for head in heads if head.isdecimal()), default=-1) + 1
        path = self._folder / f"{number:08d}-{self._token}-{uuid.uuid4().hex[:8]}.parquet"
        table = pa.table(
            [
                [text[0] for text in answers],
                [text[1] if len(text) == 2 else None for text in answers],
                [np.asarray(row, dtype=np.float64) for row in answers.values()],
            ],
            schema=SCHEMA,
        )
        draft = path.with_name(f".{path.name}.draft")
        pq.write_table(table, draft)
        os.replace(draft, path)
        self._sizes[path.name] = path.stat().st_size
        return path

    def _join(self) -> None:
        """Make one file of many small ones of its own."""
        answers = {text: answer for file in self._own for text, answer in _read(file)}
        joined = self._write(answers)
        # Under the first one's name, so that what stood first still does.
        os.replace(joined, self._own[0])
        self._sizes[self._own[0].name] = self._sizes.pop(joined.name)
        for file in self._own[1:]:
            file.unlink()
        self._own = []


def _read(file: Path) -> list[tuple[Segments, np.ndarray]]:
    try:
        table = pq.read_table(file)
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise ModelError(f"{file}: no file of a journal ({error}); move it away and run again") from error
    if table.schema.remove_metadata() != SCHEMA:
        raise ModelError(f"{file}: no file of a journal (other columns); move it away and run again")
    firsts, seconds, answers = (table[name].to_pylist() for name in SCHEMA.names)
    return [
        ((first,) if second is None else (first, second), np.array(answer))
        for first, second, answer in zip(firsts, seconds, answers, strict=True)
    ]
