"""Tables as the page shows them, numbers in words, and the CSV files beside them."""

import csv
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillens import registry
from distillens.metrics import agreement

MISSING = "–"

METRICS: dict[str, tuple[str, str]] = {
    "majority": ("majority", "what the best constant answer reaches"),
    "accuracy": ("accuracy", "share of texts that are classified right"),
    "macro_f1": ("macro F1", "F1 averaged over the classes, each counting the same"),
    "micro_f1": ("micro F1", "F1 of all labels of all texts together"),
    "map": ("mean AP", "average precision, the mean over the labels"),
    "weighted_f1": ("weighted F1", "F1 averaged over the classes, each by its share of the texts"),
    "f1": ("F1", "harmonic mean of precision and recall of the second class"),
    "ndcg": ("NDCG", "gain of the documents of a query in the order of their scores; 1 is the best order"),
    "pair_agreement": ("pairs in order", "share of a query's pairs of documents ordered as labelled"),
    "matthews": ("Matthews", "correlation of predicted and gold classes; 0 is chance"),
    "ece": ("ECE", "expected calibration error: how far confidence is from accuracy; 0 is best"),
    "brier": ("Brier", "squared error of the predicted probabilities, summed over the classes; 0 is best"),
    "ece_gap": ("ECE, difference", "the student’s ECE minus its teacher’s on the same texts"),
    "brier_gap": ("Brier, difference", "the student’s Brier score minus its teacher’s on the same texts"),
    "consistency": (
        "same answer",
        "share of texts whose prediction stays the same (a regression: within the task's flip)",
    ),
    "changed": ("texts changed", "share of texts that the perturbation really changed"),
    "edited_words": ("words edited", "share of all words of the texts that the perturbation edits"),
    "edited_characters": (
        "characters edited",
        "share of all characters that the perturbation edits: Levenshtein distance to the original text",
    ),
    "confidence_drop": ("confidence drop", "loss of confidence when the k strongest words are removed"),
    "confidence_drop_excess": ("drop − random", "confidence drop beyond that of k random words"),
    "flip_rate": ("flip rate", "share of predictions that change when the k strongest words are removed"),
    "flip_rate_excess": ("flips − random", "flip rate beyond that of k random words"),
    "aopc_comprehensiveness": (
        "comprehensiveness",
        "mean loss of confidence while words are removed, the strongest first: more is better (AOPC)",
    ),
    "aopc_comprehensiveness_normalised": (
        "comprehensiveness, normalised",
        "the same on the scale from the worst (0) to the best (1) order of the words of that text and model",
    ),
    "aopc_sufficiency": (
        "sufficiency",
        "mean loss of confidence when only the strongest words are kept: less is better (AOPC)",
    ),
    "aopc_sufficiency_normalised": (
        "sufficiency, normalised",
        "the same on the scale from the best (0) to the worst (1) order of the words of that text and model",
    ),
    "tau_loo": (
        "τ with leave-one-out",
        "rank correlation (Kendall) of the attributions with what removing each word alone does",
    ),
    "short_token_ratio": (
        "short tokens",
        "share of the k strongest that have at most two characters or continue a word; "
        "of random words: the text's own share",
    ),
    "size": ("texts", "number of texts"),
    "post_cue_ratio": ("share behind the cue", "share of all attribution that lies behind the cue word"),
    "post_cue_share": ("words behind the cue", "share of the words that stand behind the cue word"),
    "post_cue_lift": ("lift", "share of the attribution minus share of the words behind the cue"),
    "expected_direction": ("as expected", "share of predictions in the direction that grammar asks for"),
    "direction_negative": ("negative", "share of negative predictions"),
    "direction_neutral": ("neutral", "share of neutral predictions"),
    "direction_positive": ("positive", "share of positive predictions"),
    "confidence": ("confidence", "mean probability of the predicted class"),
    "confidence_change": ("Δ confidence", "change of confidence from the original sentence"),
    "rating": (
        "rating",
        "mean expected polarity of the classes, from −1, the most negative, to 1",
    ),
    "rating_change": ("Δ rating", "change of the rating from the original sentence"),
    "cue_direction": ("cue, direction", "share of cue words whose attribution has the expected sign"),
    "cue_attribution": ("cue, attribution", "mean attribution of the cue word"),
}
"""How a metric is called on the page, and what it is, but for those of agreement, which say so themselves."""


@dataclass(frozen=True)
class Cell:
    """One cell: a text, the exact number behind it, a second line, CSS classes, a hint, a unit, a link."""

    text: str
    value: float | None = None
    note: str = ""
    style: str = ""
    hint: str = ""
    unit: str = ""
    link: str = ""


NOTHING = Cell(MISSING, style="missing")
NOT_KNOWN = "not known"
PERFORMANCE_NOT_KNOWN = Cell(
    NOT_KNOWN, style="missing", hint="The texts have no labels, or the attributions came without logits."
)
"""What stands where a score would, if nobody knows it."""


@dataclass(frozen=True)
class Head:
    """A column's heading and what it means."""

    text: str
    meaning: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """A table of the page.

    The first ``labels`` cells of a row name it; ``csv`` is the file that holds the exact
    numbers; a ``folded`` table is shown on demand.
    """

    name: str
    caption: str
    head: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    labels: int = 1
    csv: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a table, for the page, the terminal and the CSV file alike.

    On the page and in the terminal it has a ``head``, a ``meaning`` and a ``cell`` of each row; without a
    cell it is not shown. In the CSV file its exact numbers have the names ``csv``: a row's ``values``, or
    what it has by these names. There columns stand by ``rank``, and else as on the page.
    """

    head: str
    cell: Callable[[Any], Cell] | None = None
    meaning: str = ""
    csv: str = ""
    values: Callable[[Any], Sequence[Any]] | None = None
    numeric: bool = True
    rank: int = 0


def valued(head: str, name: str, cell: Callable[[Any], Cell], meaning: str = "", **options: Any) -> Column:
    """The column of what rows have by one name; its cell is made of that alone.

    Examples
    --------
    >>> valued("texts", "n", lambda n: Cell(f"{n} texts")).cell({"n": 30}).text
    '30 texts'
    """
    return Column(head, lambda row: cell(row[name]), meaning, name, **options)


def page_table(
    name: str, caption: str, columns: Sequence[Column], rows: Iterable[Any], **options: Any
) -> Table:
    """The table of the page that columns make of rows; options as of `Table`.

    Examples
    --------
    >>> columns = [Column("model", Cell, numeric=False), Column("letters", lambda name: Cell(f"{len(name)}"))]
    >>> table = page_table("names", "How long names are", columns, ["kd", "tiny"])
    >>> [head.text for head in table.head], [[cell.text for cell in row] for row in table.rows]
    (['model', 'letters'], [['kd', '2'], ['tiny', '4']])
    """
    visible = [(column, column.cell) for column in columns if column.cell is not None]
    head = [Head(column.head, column.meaning, column.numeric) for column, _ in visible]
    return Table(name, caption, head, [[cell(row) for _, cell in visible] for row in rows], **options)


def csv_table(columns: Iterable[Column], rows: Iterable[Any]) -> tuple[list[str], list[list[Any]]]:
    """Names and rows of the CSV file that the same columns make.

    Examples
    --------
    >>> columns = [Column("D", csv="drift low"), valued("student", "student", Cell, rank=-1)]
    >>> csv_table(columns, [{"student": "kd", "drift": 0.1, "low": 0.0}])
    (['student', 'drift', 'low'], [['kd', 0.1, 0.0]])
    """
    in_csv = sorted((column for column in columns if column.csv), key=lambda column: column.rank)

    def line(row: Any) -> list[Any]:
        return [
            value
            for column in in_csv
            for value in (column.values(row) if column.values else map(row.get, column.csv.split()))
        ]

    return [name for column in in_csv for name in column.csv.split()], [line(row) for row in rows]


def number(value: float | None, digits: int = 2, signed: bool = False) -> str:
    """Write a number for reading: a true minus sign, no minus zero, a dash for none.

    Examples
    --------
    >>> number(-0.128), number(0.5, 1, signed=True), number(-0.001), number(None)
    ('−0.13', '+0.5', '0.00', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def percent(value: float | None, digits: int = 0) -> str:
    """Write a share as a percentage.

    Examples
    --------
    >>> percent(0.283, 1) .split()
    ['28.3', '%']
    """
    return MISSING if value is None or math.isnan(value) else f"{number(100 * value, digits)}\u00a0%"


def damage_in_words(place: Mapping[str, Any]) -> str:
    """A dose with its interval, as its kind of damage says it; a bound that is not known is "beyond".

    Examples
    --------
    >>> damage_in_words({"kind": "prune", "dose": 0.66, "dose_low": 0.57, "dose_high": None})
    'zeroing the smallest 66% [57%, beyond] of the weights'
    """
    words, form = (registry.literal("damage", place["kind"], name) for name in ("WORDS", "NUMBER"))
    low, high = (
        "beyond" if place[end] is None or math.isnan(place[end]) else form.format(place[end])
        for end in ("dose_low", "dose_high")
    )
    return words.format(f"{form.format(place['dose'])} [{low}, {high}]")


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """Write a confidence interval, or nothing where there is none.

    Examples
    --------
    >>> interval(-0.1, 0.25), interval(None, 0.25)
    ('[−0.10, 0.25]', '')
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def capitalised(text: str) -> str:
    """Begin with a capital letter, the rest as it is.

    Examples
    --------
    >>> capitalised("macro F1")
    'Macro F1'
    """
    return text[:1].upper() + text[1:]


def score(row: Mapping[str, Any] | None, digits: int = 2, signed: bool = False) -> Cell:
    """Show a row of a ``scores`` table: its value, with the interval or the spread and chance below.

    Examples
    --------
    >>> row = {"value": 0.9, "low": 0.85, "high": 0.94, "chance": math.nan, "n": 8, "n_undefined": 0}
    >>> score(row).text, score(row).note, score(None).text
    ('0.90', '[0.85, 0.94]', '–')
    """
    if row is None:
        return Cell(MISSING, style="missing")
    value, undefined = row["value"], row["n_undefined"]
    hint = f"undefined for {undefined} of {undefined + (row['n'] or 0)}" if undefined else ""
    if math.isnan(value):
        of_nothing = not undefined and not row["n"]
        return Cell(MISSING if of_nothing else "undefined", style="missing", hint=hint)
    notes = [interval(row["low"], row["high"], digits)]
    if not notes[0] and not math.isnan(row["spread"]):
        notes = [f"± {number(row['spread'], digits)}"]
    if not math.isnan(row["chance"]):
        notes.append(f"chance {number(row['chance'], digits)}")
    text = number(value, digits, signed) + ("†" if hint else "")
    return Cell(text, value, "\n".join(filter(None, notes)), hint=hint)


def metric_name(metric: str, k: int | None = None) -> str:
    """Name of a metric on the page, such as ``Jaccard@3``.

    Examples
    --------
    >>> metric_name("jaccard", 3), metric_name("stability_cosine")
    ('Jaccard @3', 'stability cosine')
    """
    name = _described(metric)[0]
    return name if k is None else f"{name} @{k}"


def metric_head(metric: str, k: int | None = None) -> Head:
    """Heading of a metric's column.

    Examples
    --------
    >>> metric_head("sign_agreement", 3).text
    'sign @3'
    """
    return Head(metric_name(metric, k), _described(metric)[1])


def _described(metric: str) -> tuple[str, str]:
    """How a metric is called, and what it is; one that is not listed appears under its own name."""
    listed = agreement.METRICS.get(metric)
    return (listed.label, listed.meaning) if listed else METRICS.get(metric, (metric.replace("_", " "), ""))


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table for other programs: exact numbers, empty cells for what is missing.

    Text that a spreadsheet would run as a formula is made text by a leading apostrophe.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_csv(Path(folder, "words.csv"), ["word", "value"], [["=1+1", 0.1], ["bad", math.nan]])
    ...     Path(folder, "words.csv").read_text().splitlines()
    ['word,value', "'=1+1,0.1", 'bad,']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_plain(cell) for cell in row] for row in rows)


def _plain(cell: Any) -> Any:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return "'" + cell
    return cell
